/**
 * Writable layers as overlays: `<dataRoot>/containers/<id>/diff` over the folders of the image's layers, with
 * one shared init layer between them that holds the mount points every container needs.
 *
 * Nothing is mounted here. `create` and `open` are on the way of every start: a few system calls each.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { errnoCode, type RecordStores } from '#base';
import { type HostFacts, kernelAtLeast, removeTree, spreadFolders } from '#linux';
import { errors } from '../errors.ts';
import { type Change, changesOf } from '../layers/changes.ts';
import { packLayer, packRoot } from '../layers/pack-layer.ts';
import { type ImageStack, layersOf } from './image-stack.ts';
import { makeEmptyFolder, makeInitLayer } from './init-layer.ts';
import { overlayOptions } from './overlay-options.ts';
import { SizeLimits } from './size-limits.ts';
import { SpareFolder } from './spare-folder.ts';
import type { CreateOptions, OverlayLayer, Snapshots } from './snapshots.ts';

export interface OverlaySnapshotsOptions extends ImageStack {
  readonly dataRoot: string;
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly helperProgram: string;
  /** Projects of containers with a size limit. */
  readonly records: RecordStores;
}

/** kernel: fsconfig takes a string of so many bytes. */
const MAX_OPTION = 255;
/** kernel: mount(2) takes a page of options. */
const MAX_OPTIONS = 4095;

export class OverlaySnapshots implements Snapshots {
  readonly driver = 'overlay2';
  readonly layerForm = 'overlay';
  readonly #root: string;
  readonly #initLayer: string;
  readonly #options: OverlaySnapshotsOptions;
  readonly #limits: SizeLimits;
  readonly #spare: SpareFolder;

  constructor(options: OverlaySnapshotsOptions) {
    this.#options = options;
    this.#root = `${options.dataRoot}/containers`;
    this.#limits = new SizeLimits(options);
    const made = mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    if (made !== undefined) spreadFolders(this.#root, { program: options.helperProgram });
    this.#spare = new SpareFolder(this.#root);
    this.#initLayer = makeInitLayer(options.dataRoot);
  }

  async create(containerId: string, imageId: string, { sizeLimitBytes }: CreateOptions = {}): Promise<void> {
    const { folder, diff, work } = this.#paths(containerId);
    const giver = layersOf(this.#options, imageId).find(({ givesRoot }) => givesRoot);
    const isSpare = this.#spare.take(folder);
    if (!isSpare) makeFolder(folder);
    // The root of the container's file system is the topmost folder: it has to be what the image says.
    if (isSpare || makeFolder(diff)) takeAttributes(diff, giver && this.#options.layers.folder(giver.key));
    if (!isSpare) makeFolder(work);
    if (sizeLimitBytes === undefined) return;
    try {
      this.#limits.set(containerId, [diff, work], sizeLimitBytes);
    } catch (error) {
      await this.remove(containerId);
      throw error;
    }
  }

  open(containerId: string, imageId: string): OverlayLayer {
    const { diff, work } = this.#paths(containerId);
    for (const path of [diff, work]) {
      if (!existsSync(path)) throw errors.missingFolder(`the writable layer of container ${containerId}`, path);
    }
    const { lowers, names } = this.#lowersOf(imageId);
    const options = overlayOptions({ lowers: [this.#initLayer, ...names], upper: diff, work }, this.#options.facts);
    this.#refuseTooLong(options, imageId);
    return { kind: 'overlay', overlayOptions: options, folders: [diff, this.#initLayer, ...lowers] };
  }

  imageOptions(imageId: string): readonly string[] {
    const { names } = this.#lowersOf(imageId);
    // kernel: an overlay without a writable folder has two others at least. The lowest one is empty.
    const lowers = [...names, makeEmptyFolder(this.#options.dataRoot)];
    const options = overlayOptions({ lowers }, this.#options.facts);
    this.#refuseTooLong(options, imageId);
    return options;
  }

  /** The image's folders, and what the kernel is told of them. */
  #lowersOf(imageId: string): { readonly lowers: readonly string[]; readonly names: readonly string[] } {
    const { facts, layers } = this.#options;
    const keys = layersOf(this.#options, imageId).map(({ key }) => key);
    const lowers = keys.map((key) => layers.folder(key));
    const isShort =
      kernelAtLeast(facts, 6, 8) && [this.#initLayer, ...lowers].every((path) => path.length <= MAX_OPTION);
    return { lowers, names: isShort ? lowers : keys.map((key) => layers.shortFolder(key)) };
  }

  async remove(containerId: string): Promise<void> {
    const { folder, diff, work } = this.#paths(containerId);
    // What a container left empty goes without a trip through the thread pool.
    for (const path of [`${work}/work`, work, diff]) if (!removedEmpty(path)) await removeTree(path);
    removedEmpty(folder);
    this.#limits.forget(containerId);
  }

  async changes(containerId: string, imageId: string): Promise<Change[]> {
    const { folders } = this.open(containerId, imageId);
    return changesOf({ ...this.#tools(), folders, lowers: folders.slice(1) });
  }

  pack(containerId: string): AsyncGenerator<Buffer> {
    return packLayer({ ...this.#tools(), folder: this.#paths(containerId).diff });
  }

  export(containerId: string, imageId: string): AsyncGenerator<Buffer> {
    return packRoot({ ...this.#tools(), folders: this.open(containerId, imageId).folders });
  }

  list(): string[] {
    return readdirSync(this.#root)
      .filter(SpareFolder.isOther)
      .filter((id) => {
        const { diff, work } = this.#paths(id);
        return existsSync(diff) || existsSync(work);
      });
  }

  #tools(): Pick<OverlaySnapshotsOptions, 'facts' | 'helperProgram'> {
    return { facts: this.#options.facts, helperProgram: this.#options.helperProgram };
  }

  #paths(containerId: string): { folder: string; diff: string; work: string } {
    const folder = `${this.#root}/${containerId}`;
    return { folder, diff: `${folder}/diff`, work: `${folder}/work` };
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
