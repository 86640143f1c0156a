/**
 * What is in a build context, by path: entries as they are told one after the other, and where what a file holds is kept.
 *
 * Owners are root's, as BuildKit and Docker have it. A file's digest is that of its content, whatever its time.
 */
import { hash } from 'node:crypto';
import type { IgnoreMatcher } from '#base';
import { S_IF, type Unpacker } from '#linux';
import { type ByteString, bytesOf, insidePath, shown, type TarEntry } from '#wire';
import { errors } from '../errors.ts';
import type { ContextBytes } from './context-bytes.ts';
import {
  isFile,
  isFolder,
  type Placement,
  putEntry,
  rootItem,
  type SourceTree,
  type TreeItem,
  zeros,
} from './source-tree.ts';

const READ_BYTES = 256 * 1024;

/** A stored piece of a file, or a hole when it has no place. */
export interface Piece {
  readonly offset: number | undefined;
  readonly length: number;
}

/** What a file holds; all its names share it. */
export interface Content {
  digest: string;
  /** Undefined while whoever has the file was not asked for it. */
  pieces: readonly Piece[] | undefined;
}

export const emptyContent: Content = { digest: hash('sha256', '', 'hex'), pieces: [] };
const noContent: Content = { digest: '', pieces: [] };

export interface IndexedItem extends TreeItem {
  readonly content: Content;
}

/** Files of a build, in memory or in an open file that has no name any more: whatever happens, nothing of it stays. */
export interface LocalContext extends AsyncDisposable {
  /** As steps see it: without what matches. */
  tree(excludes: IgnoreMatcher): SourceTree;
  /** A file's content; undefined when there is none. Throws `build.badContext` above the limit. */
  read(path: string, limitBytes: number): Promise<Buffer | undefined>;
}

/** Names as an archive or a client's list has them → the tree they make. */
export class ContextIndex {
  readonly #items = new Map<string, IndexedItem>([['', { ...rootItem, content: noContent }]]);

  /** Where the entry goes; what would lead outside or over something else is refused. Throws `build.badContext`. */
  place(entry: TarEntry): string {
    const path = pathInContext(entry.path);
    if (path === '' && entry.type !== 'directory') throw errors.badContext(`${shown(entry.path)} is no folder`);
    if (entry.type === 'character-device' && entry.devMajor === 0 && entry.devMinor === 0) {
      throw errors.badContext(`${shown(entry.path)} is a character device 0:0, a mark of the overlay file system`);
    }
    this.#implyAbove(path);
    const before = this.#items.get(path);
    // What is replaced by something of another kind may have had files in it.
    if (before && isFolder(before) && entry.type !== 'directory') {
      throw errors.badContext(`${shown(entry.path)} comes twice, once as a folder`);
    }
    return path;
  }

  /** At the place it was told. A link's content is that of what it names. Throws `build.badContext`. */
  add(path: string, entry: TarEntry, content = noContent): void {
    if (entry.type !== 'hard-link') return void this.#items.set(path, itemOf(entry, path, content));
    const existing = this.#items.get(pathInContext(entry.linkPath));
    if (!existing || isFolder(existing)) throw errors.badContext(`${shown(entry.path)} links to nothing`);
    this.#items.set(path, { ...existing, path });
  }

  /** By path, a folder before what is in it, in byte order of names. */
  items(): Map<string, IndexedItem> {
    const order = (path: string): string => path.replaceAll('/', '\0');
    const paths = [...this.#items.keys()].map((path) => [order(path), path] as const);
    // Clients mostly send them so.
    if (paths.every(([key], at) => at === 0 || paths[at - 1]![0] < key)) return this.#items;
    paths.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return new Map(paths.map(([, path]) => [path, this.#items.get(path)!]));
  }

  #implyAbove(path: string): void {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      const there = this.#items.get(folder);
      if (there && isFolder(there)) return;
      if (there) throw errors.badContext(`${shown(folder as ByteString)} is no folder, but has something in it`);
      this.#items.set(folder, { ...rootItem, path: folder, content: noContent });
    }
  }
}

const TYPE_BITS: Readonly<Record<Exclude<TarEntry['type'], 'hard-link'>, number>> = {
  file: S_IF.REG,
  directory: S_IF.DIR,
  symlink: S_IF.LNK,
  'character-device': S_IF.CHR,
  'block-device': S_IF.BLK,
  fifo: S_IF.FIFO,
};

function itemOf(entry: TarEntry, path: string, content: Content): IndexedItem {
  const { type, mode, size, mtimeNs, devMajor, devMinor, linkPath, xattrs } = entry;
  return {
    path,
    mode: mode | (type === 'hard-link' ? S_IF.REG : TYPE_BITS[type]),
    uid: 0,
    gid: 0,
    size,
    mtimeNs,
    devMajor,
    devMinor,
    target: linkPath,
    xattrs: [...xattrs].map(([name, value]) => [bytesOf(name), Buffer.from(value)]),
    content,
  };
}

function pathInContext(path: ByteString): string {
  const inside = insidePath(path);
  if (inside === undefined) throw errors.badContext(`${shown(path)} is outside of it`);
  return inside;
}

/** Where files are, and how those that are not here yet get there. */
export interface IndexedContextParts {
  readonly bytes: ContextBytes;
  readonly items: ReadonlyMap<string, IndexedItem>;
  /** Gets what has no pieces; absent where everything is here. */
  readonly fetch?: (missing: readonly IndexedItem[]) => Promise<void>;
  readonly close?: () => Promise<void>;
}

export class IndexedContext implements LocalContext {
  readonly #parts: IndexedContextParts;

  constructor(parts: IndexedContextParts) {
    this.#parts = parts;
  }

  tree(excludes: IgnoreMatcher): SourceTree {
    const { items } = this.#parts;
    if (excludes.isEmpty) return new IndexTree(this.#parts);
    const kept = new Map<string, IndexedItem>();
    for (const [path, item] of items) {
      if (path !== '' && excludes.excludes(Buffer.from(path, 'latin1').toString())) continue;
      // A folder that is excluded comes back with what is taken back in it.
      for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
        const folder = path.slice(0, at);
        if (!kept.has(folder)) kept.set(folder, items.get(folder)!);
      }
      kept.set(path, item);
    }
    return new IndexTree({ ...this.#parts, items: kept });
  }

  async read(path: string, limitBytes: number): Promise<Buffer | undefined> {
    const { items } = this.#parts;
    const item = items.get(Buffer.from(path).toString('latin1'));
    if (!item || !isFile(item)) return undefined;
    if (item.size > limitBytes) {
      throw errors.badContext(`${path} has ${item.size} bytes, and at most ${limitBytes} are read`);
    }
    return Buffer.concat(await Array.fromAsync(new IndexTree(this.#parts).content(item.path)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What is ours goes first: the client may take its time.
    try {
      await this.#parts.bytes[Symbol.asyncDispose]();
    } finally {
      await this.#parts.close?.();
    }
  }
}

class IndexTree implements SourceTree {
  readonly #parts: Omit<IndexedContextParts, 'close'>;
  /** In their order, and where each is: what is in a folder comes right behind it. */
  readonly #ordered: readonly IndexedItem[];
  readonly #places = new Map<string, number>();

  constructor(parts: Omit<IndexedContextParts, 'close'>) {
    this.#parts = parts;
    this.#ordered = [...parts.items.values()];
    for (const { path } of this.#ordered) this.#places.set(path, this.#places.size);
  }

  descriptor(): Promise<number> {
    return this.#parts.bytes.descriptor();
  }

  async stat(path: string): Promise<TreeItem | undefined> {
    return this.#parts.items.get(path);
  }

  async *below(path: string): AsyncGenerator<TreeItem> {
    yield* this.#within(path, false);
  }

  async *contents(path: string): AsyncGenerator<readonly [TreeItem, string]> {
    for (const item of this.#within(path, true)) yield [item, item.content.digest];
  }

  async *content(path: string): AsyncGenerator<Buffer> {
    const item = this.#parts.items.get(path);
    if (!item) return;
    await this.#fetch([item]);
    for (const { offset, length } of item.content.pieces ?? []) {
      if (offset === undefined) {
        yield* zeros(length);
        continue;
      }
      for (let at = 0; at < length; at += READ_BYTES) {
        yield await this.#parts.bytes.read(offset + at, Math.min(READ_BYTES, length - at));
      }
    }
  }

  async send(path: string, unpacker: Unpacker, place: (item: TreeItem) => Placement | undefined): Promise<void> {
    const placed: (readonly [IndexedItem, Placement])[] = [];
    for (const item of this.#within(path, true)) {
      const placement = place(item);
      if (placement) placed.push([item, placement]);
    }
    await this.#fetch(placed.map(([item]) => item));
    for (const [item, placement] of placed) {
      putEntry(unpacker, item, placement);
      if (isFile(item)) {
        for (const { offset, length } of item.content.pieces ?? []) {
          if (offset === undefined) unpacker.hole(length);
          else unpacker.copy(offset, length);
        }
        unpacker.end();
      }
      await unpacker.ready();
    }
  }

  /** Of the build, not of the step. */
  async [Symbol.asyncDispose](): Promise<void> {}

  async #fetch(items: readonly IndexedItem[]): Promise<void> {
    const missing = items.filter(({ content }) => content.pieces === undefined);
    if (missing.length > 0) await this.#parts.fetch?.(missing);
  }

  *#within(path: string, withItself: boolean): Generator<IndexedItem> {
    const place = this.#places.get(path);
    if (place === undefined) return;
    if (withItself) yield this.#ordered[place]!;
    const prefix = path === '' ? '' : `${path}/`;
    for (let at = place + 1; at < this.#ordered.length; at += 1) {
      const item = this.#ordered[at]!;
      if (!item.path.startsWith(prefix)) return;
      yield item;
    }
  }
}
