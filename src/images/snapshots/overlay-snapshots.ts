/**
 * Writable layers as overlays: `<dataRoot>/containers/<id>/diff` over the folders of the image's layers, with
 * one shared init layer between them that holds the mount points every container needs.
 *
 * Nothing is mounted here. `create` and `open` are on the way of every start: a few system calls each.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { errnoCode } from '#base';
import { type HostFacts, kernelAtLeast, removeTree } from '#linux';
import { errors } from '../errors.ts';
import type { LayerKey, LayerRecord, LayerStore } from '../layers/layer-store.ts';
import { makeInitLayer } from './init-layer.ts';
import { overlayOptions } from './overlay-options.ts';
import type { Snapshots, WritableLayer } from './snapshots.ts';

export interface OverlaySnapshotsOptions {
  readonly dataRoot: string;
  readonly facts: Pick<HostFacts, 'kernel'>;
  /** The layers of an image, lowest first; undefined when there is no such image. */
  readonly stackOf: (imageId: string) => readonly LayerKey[] | undefined;
  readonly layers: Pick<LayerStore, 'folder' | 'shortFolder' | 'get'>;
}

/** kernel: overlayfs takes no more, over 500; Docker takes 128 with the init layer, and so do we. */
const MAX_LOWERS = 128;
/** kernel: fsconfig takes a string of so many bytes. */
const MAX_OPTION = 255;
/** kernel: mount(2) takes a page of options. */
const MAX_OPTIONS = 4095;

export class OverlaySnapshots implements Snapshots {
  readonly driver = 'overlay2';
  readonly #root: string;
  readonly #initLayer: string;
  readonly #options: OverlaySnapshotsOptions;

  constructor(options: OverlaySnapshotsOptions) {
    this.#options = options;
    this.#root = `${options.dataRoot}/containers`;
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    this.#initLayer = makeInitLayer(options.dataRoot);
  }

  async create(containerId: string, imageId: string): Promise<void> {
    const { folder, diff, work } = this.#paths(containerId);
    const giver = this.#layersOf(imageId).find(({ givesRoot }) => givesRoot);
    makeFolder(folder);
    // The root of the container's file system is the topmost folder: it has to be what the image says.
    if (makeFolder(diff)) takeAttributes(diff, giver && this.#options.layers.folder(giver.key));
    makeFolder(work);
  }

  open(containerId: string, imageId: string): WritableLayer {
    const { diff, work } = this.#paths(containerId);
    for (const path of [diff, work]) {
      if (!existsSync(path)) throw errors.missingFolder(`the writable layer of container ${containerId}`, path);
    }
    const { facts } = this.#options;
    const keys = this.#layersOf(imageId).map(({ key }) => key);
    const lowers = [this.#initLayer, ...keys.map((key) => this.#options.layers.folder(key))];
    const isShort = kernelAtLeast(facts, 6, 8) && lowers.every((path) => path.length <= MAX_OPTION);
    const names = isShort ? lowers : [this.#initLayer, ...keys.map((key) => this.#options.layers.shortFolder(key))];
    const options = overlayOptions({ lowers: names, upper: diff, work }, facts);
    this.#refuseTooLong(options, imageId);
    return { kind: 'overlay', overlayOptions: options, folders: [diff, ...lowers], lowers };
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

  /** The image's layers that can be seen, topmost first, all of them there. */
  #layersOf(imageId: string): LayerRecord[] {
    const { stackOf, layers } = this.#options;
    const stack = stackOf(imageId);
    if (!stack) throw errors.noSuch(imageId);
    if (stack.length >= MAX_LOWERS) throw errors.tooManyLayers(imageId, stack.length, MAX_LOWERS - 1);
    const seen: LayerRecord[] = [];
    for (const key of stack.toReversed()) {
      const record = layers.get(key);
      const path = layers.folder(key);
      if (!record || !existsSync(path)) throw errors.missingFolder(`a layer of image ${imageId}`, path);
      seen.push(record);
      if (record.hidesBelow) break;
    }
    return seen;
  }

  #refuseTooLong(options: readonly string[], imageId: string): void {
    if (kernelAtLeast(this.#options.facts, 6, 8)) return;
    const bytes = Buffer.byteLength(options.join(','));
    if (bytes > MAX_OPTIONS) throw errors.tooLongStack(imageId, bytes, MAX_OPTIONS);
  }
}

/** Owner and mode of another folder; 0755 and root's where there is none. */
function takeAttributes(folder: string, from: string | undefined): void {
  const root = from === undefined ? { mode: 0o755, uid: 0, gid: 0 } : statSync(from);
  if (root.uid !== 0 || root.gid !== 0) chownSync(folder, root.uid, root.gid);
  chmodSync(folder, root.mode & 0o7777);
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
