/**
 * Writable layers for the overlay file system: `<dataRoot>/containers/<id>/{diff,work}` over the image's layers, with
 * one shared init layer between them that holds the mount points every container needs.
 *
 * Nothing is mounted here. `create` and `open` are on the way of every start: a few system calls each.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { errnoCode } from '#base';
import { type HostFacts, kernelAtLeast, removeTree } from '#linux';
import { errors } from './errors.ts';
import type { ImageRecord } from './image-record.ts';
import type { Images } from './images.ts';
import { makeInitLayer } from './init-layer.ts';
import type { LayerStore } from './layer-store.ts';
import type { Snapshots, WritableLayer } from './snapshots.ts';

export interface OverlaySnapshotsOptions {
  readonly dataRoot: string;
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly images: Pick<Images, 'get'>;
  readonly layers: Pick<LayerStore, 'folder'>;
}

export class OverlaySnapshots implements Snapshots {
  readonly #root: string;
  readonly #initLayer: string;
  readonly #options: OverlaySnapshotsOptions;

  constructor(options: OverlaySnapshotsOptions) {
    this.#options = options;
    this.#root = `${options.dataRoot}/containers`;
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    this.#initLayer = makeInitLayer(options.dataRoot);
  }

  create(containerId: string, imageId: string): void {
    const { folder, diff, work } = this.#paths(containerId);
    // The root of the container's file system takes its owner and mode from the topmost folder.
    const root = statSync(this.#layersOf(imageId)[0]!);
    makeFolder(folder);
    if (makeFolder(diff)) {
      chmodSync(diff, root.mode & 0o7777);
      if (root.uid !== 0 || root.gid !== 0) chownSync(diff, root.uid, root.gid);
    }
    makeFolder(work);
  }

  open(containerId: string, imageId: string): WritableLayer {
    const { diff, work } = this.#paths(containerId);
    for (const path of [diff, work]) {
      if (!existsSync(path)) throw errors.missingFolder(`the writable layer of container ${containerId}`, path);
    }
    const lowers = [this.#initLayer, ...this.#layersOf(imageId)];
    return {
      overlayOptions: overlayOptions({ lowers, upper: diff, work }, this.#options.facts),
      folders: [diff, ...lowers],
    };
  }

  async remove(containerId: string): Promise<void> {
    const { folder, diff, work } = this.#paths(containerId);
    // What a container left empty goes without a trip through the thread pool.
    for (const path of [`${work}/work`, work, diff]) if (!removedEmpty(path)) await removeTree(path);
    removedEmpty(folder);
  }

  list(): string[] {
    return readdirSync(this.#root).filter((id) => {
      const { diff, work } = this.#paths(id);
      return existsSync(diff) || existsSync(work);
    });
  }

  #paths(containerId: string): { folder: string; diff: string; work: string } {
    const folder = `${this.#root}/${containerId}`;
    return { folder, diff: `${folder}/diff`, work: `${folder}/work` };
  }

  /** The folders of the image's layers, topmost first, all of them there. */
  #layersOf(imageId: string): string[] {
    const image: ImageRecord | undefined = this.#options.images.get(imageId);
    if (!image) throw errors.noSuch(imageId);
    const folders = image.layers.map((layer) => this.#options.layers.folder(layer)).reverse();
    for (const path of folders) if (!existsSync(path)) throw errors.missingFolder(`a layer of image ${imageId}`, path);
    return folders;
  }
}

export interface OverlayFolders {
  /** Topmost first. */
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly work: string;
}

/**
 * Mount options, one per string.
 * kernel: from 6.8 on each lower folder is given by itself, as it is; before, all in one, with `:` and `\` escaped.
 * Upper and work folder are unescaped by every kernel.
 */
export function overlayOptions({ lowers, upper, work }: OverlayFolders, facts: Pick<HostFacts, 'kernel'>): string[] {
  const lowerOptions = kernelAtLeast(facts, 6, 8)
    ? lowers.map((path) => `lowerdir+=${path}`)
    : [`lowerdir=${lowers.map((path) => path.replace(/[\\:]/g, '\\$&')).join(':')}`];
  const unescaped = (path: string): string => path.replaceAll('\\', '\\\\');
  // kernel: with an index (the default of some configurations) folders that move to another stack cannot be mounted.
  return [...lowerOptions, `upperdir=${unescaped(upper)}`, `workdir=${unescaped(work)}`, 'index=off'];
}

/** False when it is there already. */
function makeFolder(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errnoCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Whether an empty folder is gone now, or was not there. */
function removedEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return true;
    if (errnoCode(error) === 'ENOTEMPTY' || errnoCode(error) === 'EEXIST') return false;
    throw error;
  }
}
