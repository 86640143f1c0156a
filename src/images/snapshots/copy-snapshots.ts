/**
 * Writable layers as copies: all an image's layers show, in one folder per container. For data folders whose file system
 * cannot carry an overlay, such as the root of a container that is an overlay itself.
 *
 * compat: Docker's `vfs` driver. A container costs the size of its image, in bytes and in time.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoCode } from '#base';
import { type HostFacts, openTreeReader, openUnpacker, removeTree, type TreeEntry, type TreeReader } from '#linux';
import { errors } from '../errors.ts';
import { type Change, compareTrees, walkEntries } from '../layers/changes.ts';
import { isFolder, type MergedEntry, MergedTree } from '../layers/merged-tree.ts';
import { packChanges, packRoot } from '../layers/pack-layer.ts';
import { putFile, putFolder } from '../layers/put-entry.ts';
import { makeInitLayer } from './init-layer.ts';
import { type ImageStack, layersOf } from './image-stack.ts';
import type { CreateOptions, FolderLayer, Snapshots } from './snapshots.ts';

export interface CopySnapshotsOptions extends ImageStack {
  readonly dataRoot: string;
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly helperProgram: string;
}

export class CopySnapshots implements Snapshots {
  readonly driver = 'vfs';
  readonly layerForm = 'marked';
  readonly #root: string;
  readonly #initLayer: string;
  readonly #options: CopySnapshotsOptions;

  constructor(options: CopySnapshotsOptions) {
    this.#options = options;
    this.#root = `${options.dataRoot}/containers`;
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    this.#initLayer = makeInitLayer(options.dataRoot);
  }

  /** Under another name first: what has its own is whole. */
  async create(containerId: string, imageId: string, options: CreateOptions = {}): Promise<void> {
    if (options.sizeLimitBytes !== undefined) throw errors.noSizeLimit('the storage driver vfs keeps copies');
    const { folder, diff, temporary } = this.#paths(containerId);
    if (existsSync(diff)) return;
    const tree = await this.#tree(imageId);
    const giver = layersOf(this.#options, imageId).find(({ givesRoot }) => givesRoot);
    await removeTree(temporary);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    mkdirSync(temporary);
    chmodSync(temporary, 0o755);
    try {
      await this.#fill(temporary, tree, giver && this.#options.layers.folder(giver.key));
      renameSync(temporary, diff);
    } catch (error) {
      await removeTree(temporary);
      removeEmpty(folder);
      throw error;
    }
  }

  imageOptions(): readonly string[] {
    throw errors.noImageMounts('the storage driver vfs keeps copies, and the data folder cannot carry an overlay');
  }

  open(containerId: string): FolderLayer {
    const { diff } = this.#paths(containerId);
    if (!existsSync(diff)) throw errors.missingFolder(`the root file system of container ${containerId}`, diff);
    return { kind: 'folder', folder: diff, folders: [diff] };
  }

  async remove(containerId: string): Promise<void> {
    const { folder, diff, temporary } = this.#paths(containerId);
    for (const path of [temporary, diff]) await removeTree(path);
    removeEmpty(folder);
  }

  list(): string[] {
    return readdirSync(this.#root).filter((id) => {
      const { diff, temporary } = this.#paths(id);
      return existsSync(diff) || existsSync(temporary);
    });
  }

  async changes(containerId: string, imageId: string): Promise<Change[]> {
    const { folder } = this.open(containerId);
    const tree = await this.#tree(imageId);
    await using after = openTreeReader({ folder }, { program: this.#options.helperProgram });
    return await compareTrees(entriesOf(tree), walkEntries(after.walk({ content: false })));
  }

  async *pack(containerId: string, imageId: string): AsyncGenerator<Buffer> {
    const { folder } = this.open(containerId);
    const changes = await this.changes(containerId, imageId);
    yield* packChanges({ folder, changes, helperProgram: this.#options.helperProgram });
  }

  export(containerId: string): AsyncGenerator<Buffer> {
    const { facts, helperProgram } = this.#options;
    return packRoot({ folders: this.open(containerId).folders, facts, helperProgram });
  }

  /** `giver`: the layer's folder whose root says what the root is. */
  async #fill(folder: string, tree: MergedTree, giver: string | undefined): Promise<void> {
    const program = { program: this.#options.helperProgram };
    const readers = new Map<string, TreeReader>();
    await using undo = new AsyncDisposableStack();
    const unpacker = undo.use(openUnpacker(folder, program));
    const readerOf = (layer: string): TreeReader =>
      readers.getOrInsertComputed(layer, () => undo.use(openTreeReader({ folder: layer }, program)));
    const root = giver === undefined ? undefined : await readerOf(giver).stat(Buffer.alloc(0));
    if (root) putFolder(unpacker, root);
    for (const found of tree.entries()) {
      const { entry, existing } = found;
      const first = existing && tree.get(existing);
      if (isFolder(entry)) putFolder(unpacker, entry);
      else if (existing && isSameFile(first, found)) unpacker.link(entry.path, existing);
      else await putFile(unpacker, entry.path, readerOf(found.folder).read(entry.path));
      await unpacker.ready();
    }
    await unpacker.finish();
    await using opened = await open(folder, 'r');
    await opened.sync();
  }

  /** With the init layer on top. */
  #tree(imageId: string): Promise<MergedTree> {
    const { helperProgram, layers } = this.#options;
    const folders = layersOf(this.#options, imageId).map(({ key }) => layers.folder(key));
    return MergedTree.of([this.#initLayer, ...folders], helperProgram);
  }

  #paths(containerId: string): { folder: string; diff: string; temporary: string } {
    const folder = `${this.#root}/${containerId}`;
    return { folder, diff: `${folder}/diff`, temporary: `${folder}/tmp-diff` };
  }
}

async function* entriesOf(tree: MergedTree): AsyncGenerator<TreeEntry> {
  for (const { entry } of tree.entries()) yield entry;
}

/** Whether the earlier name still stands for the layer's own file. */
function isSameFile(first: MergedEntry | undefined, link: MergedEntry): boolean {
  return first !== undefined && first.folder === link.folder && first.existing === undefined;
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    // Others keep files there, such as logs.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errnoCode(error) ?? '')) throw error;
  }
}
