/**
 * What a stack of layers shows, where overlayfs cannot say it: the layers' folders hold the marks of their archives
 * (`.wh.NAME`, `.wh..wh..opq`), and are merged here, names and attributes only. Memory follows the number of files.
 */
import { openTreeReader, S_IF, type TreeEntry, type WalkRecord } from '#linux';
import { byteString, type ByteString, bytesOf } from '#wire';
import { comparePaths } from './changes.ts';

export interface MergedEntry {
  readonly entry: TreeEntry;
  /** The folder of the layer that has it. */
  readonly folder: string;
  /** In that layer the same file as this path, which comes earlier. */
  readonly existing: Buffer | undefined;
}

interface Node {
  found: MergedEntry | undefined;
  children: Map<ByteString, Node>;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

export class MergedTree {
  readonly #root: Node = { found: undefined, children: new Map() };

  /** Merges folders, topmost first. Throws the helper's `SyscallError`. */
  static async of(folders: readonly string[], helperProgram: string): Promise<MergedTree> {
    const tree = new MergedTree();
    for (const folder of folders.toReversed()) await tree.#add(folder, helperProgram);
    return tree;
  }

  get(path: Buffer): MergedEntry | undefined {
    return this.#walk(byteString(path))?.found;
  }

  /** In the order of a walk, without the root. */
  *entries(): Generator<MergedEntry> {
    yield* below(this.#root);
  }

  /** Marks first: they are about the layers below, whatever this layer has under the same name. */
  async #add(folder: string, helperProgram: string): Promise<void> {
    const own: MergedEntry[] = [];
    await using reader = openTreeReader({ folder }, { program: helperProgram });
    for await (const record of reader.walk({ content: false })) {
      const merged = mergedEntry(record, folder);
      if (merged && !this.#applyMark(merged.entry)) own.push(merged);
    }
    for (const merged of own) this.#put(merged);
  }

  #applyMark({ path }: TreeEntry): boolean {
    const [folder, name] = split(byteString(path));
    if (!name.startsWith(WHITEOUT)) return false;
    const parent = folder === '' ? this.#root : this.#walk(folder);
    if (name === OPAQUE) parent?.children.clear();
    else parent?.children.delete(name.slice(WHITEOUT.length) as ByteString);
    return true;
  }

  #put(merged: MergedEntry): void {
    const path = byteString(merged.entry.path);
    if (path === '') {
      this.#root.found = merged;
      return;
    }
    const [folder, name] = split(path);
    const parent = folder === '' ? this.#root : this.#walk(folder);
    const before = parent?.children.get(name);
    // What a folder held stays only in a folder.
    const children = before && isFolder(merged.entry) ? before.children : new Map<ByteString, Node>();
    parent?.children.set(name, { found: merged, children });
  }

  #walk(path: ByteString): Node | undefined {
    let at: Node | undefined = this.#root;
    for (const name of path === '' ? [] : path.split('/')) at = at?.children.get(name as ByteString);
    return at;
  }
}

function* below({ children }: Node): Generator<MergedEntry> {
  const names = [...children.keys()].map((name) => bytesOf(name)).toSorted(comparePaths);
  for (const name of names) {
    const child = children.get(byteString(name))!;
    if (child.found) yield child.found;
    yield* below(child);
  }
}

function mergedEntry(record: WalkRecord, folder: string): MergedEntry | undefined {
  if (record.type === 'entry') return { entry: record.entry, folder, existing: undefined };
  return record.type === 'link' ? { entry: record.entry, folder, existing: record.existing } : undefined;
}

function split(path: ByteString): [folder: ByteString, name: ByteString] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, Math.max(at, 0)) as ByteString, path.slice(at + 1) as ByteString];
}

export const isFolder = ({ mode }: TreeEntry): boolean => (mode & S_IF.MASK) === S_IF.DIR;
