/**
 * A build context that comes as a tar: kept as the bytes it is, with an index of what is in it. Nothing is unpacked; what
 * a step copies goes from there straight into the layer, and only the index is asked whether it has to.
 *
 * Owners are root's, as BuildKit and Docker have it. A file's digest is that of its content, whatever its time.
 */
import { createHash, hash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { because, type IgnoreMatcher, SkiffError } from '#base';
import { archiveBytes } from '#images';
import { S_IF, type Unpacker } from '#linux';
import { type ByteString, bytesOf, insidePath, shown, type TarEntry, TarReader, type TarSink } from '#wire';
import { errors } from '../errors.ts';
import { ContextBytes } from './context-bytes.ts';
import {
  isFile,
  isFolder,
  type Placement,
  putEntry,
  rootItem,
  type SourceTree,
  type TreeItem,
  updateZeros,
  zeros,
} from './source-tree.ts';

const READ_BYTES = 256 * 1024;

const EMPTY_DIGEST = hash('sha256', '', 'hex');

/** A stored piece of a file, or a hole when it has no place. */
interface Piece {
  readonly offset: number | undefined;
  readonly length: number;
}

interface IndexedItem extends TreeItem {
  readonly digest: string;
  readonly pieces: readonly Piece[];
}

/** Files of a build, in memory or in an open file that has no name any more: whatever happens, nothing of it stays. */
export interface LocalContext extends AsyncDisposable {
  /** As steps see it: without what matches. */
  tree(excludes: IgnoreMatcher): SourceTree;
  /** A file's content; undefined when there is none. Throws `build.badContext` above the limit. */
  read(path: string, limitBytes: number): Promise<Buffer | undefined>;
  readonly sizeBytes: number;
}

/** Reads it to its end: plain, or compressed with gzip or zstd. Throws `build.badContext` and what the source fails with. */
export async function receiveContext(
  archive: Readable,
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<LocalContext> {
  await using undo = new AsyncDisposableStack();
  const bytes = undo.use(new ContextBytes(folder));
  const sink = new IndexSink();
  const reader = new TarReader(sink);
  try {
    for await (const chunk of archiveBytes(archive)) {
      if (signal.aborted) throw errors.cancelled();
      reader.push(chunk);
      await bytes.append(chunk);
    }
    reader.end();
    await bytes.end();
  } catch (error) {
    if (signal.aborted) throw errors.cancelled();
    throw error instanceof SkiffError ? because(errors.badContext(error.message), error) : error;
  }
  undo.move();
  return new TarContext(bytes, sink.items(), sink.sizeBytes);
}

/** Names of the archive → the tree they make. */
class IndexSink implements TarSink {
  readonly #items = new Map<string, IndexedItem>([['', { ...rootItem, digest: '', pieces: [] }]]);
  #current: TarEntry | undefined;
  #path = '';
  /** Undefined while all there is of the file came at once. */
  #hash: Hash | undefined;
  #digest = '';
  #pieces: Piece[] = [];
  sizeBytes = 0;

  entry(entry: TarEntry): void {
    const path = pathInContext(entry.path);
    this.#current = undefined;
    if (path === '' && entry.type !== 'directory') throw errors.badContext(`${shown(entry.path)} is no folder`);
    if (entry.type === 'character-device' && entry.devMajor === 0 && entry.devMinor === 0) {
      throw errors.badContext(`${shown(entry.path)} is a character device 0:0, a mark of the overlay file system`);
    }
    this.#implyAbove(path);
    if (entry.type === 'hard-link') return this.#link(path, entry);
    const before = this.#items.get(path);
    // What is replaced by something of another kind may have had files in it.
    if (before && isFolder(before) && entry.type !== 'directory') {
      throw errors.badContext(`${shown(entry.path)} comes twice, once as a folder`);
    }
    if (entry.type === 'file') {
      this.#current = entry;
      this.#path = path;
      this.#hash = undefined;
      this.#digest = EMPTY_DIGEST;
      this.#pieces = [];
    } else this.#items.set(path, itemOf(entry, path));
  }

  data(bytes: Buffer, offset: number): void {
    // Most files come in one piece, for which there is a quicker way.
    if (bytes.length === this.#current!.size) this.#digest = hash('sha256', bytes, 'hex');
    else (this.#hash ??= createHash('sha256')).update(bytes);
    const last = this.#pieces.at(-1);
    if (last?.offset !== undefined && last.offset + last.length === offset) {
      this.#pieces[this.#pieces.length - 1] = { offset: last.offset, length: last.length + bytes.length };
    } else this.#pieces.push({ offset, length: bytes.length });
  }

  hole(length: number): void {
    updateZeros((this.#hash ??= createHash('sha256')), length);
    this.#pieces.push({ offset: undefined, length });
  }

  end(): void {
    const entry = this.#current!;
    const item = itemOf(entry, this.#path);
    this.sizeBytes += entry.size;
    this.#items.set(this.#path, { ...item, digest: this.#hash?.digest('hex') ?? this.#digest, pieces: this.#pieces });
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

  #link(path: string, entry: TarEntry): void {
    const existing = this.#items.get(pathInContext(entry.linkPath));
    if (!existing || isFolder(existing)) throw errors.badContext(`${shown(entry.path)} links to nothing`);
    this.#items.set(path, { ...existing, path });
  }

  #implyAbove(path: string): void {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      const there = this.#items.get(folder);
      if (there && isFolder(there)) return;
      if (there) throw errors.badContext(`${shown(folder as ByteString)} is no folder, but has something in it`);
      this.#items.set(folder, { ...rootItem, path: folder, digest: '', pieces: [] });
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

function itemOf(entry: TarEntry, path: string): IndexedItem {
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
    digest: '',
    pieces: [],
  };
}

function pathInContext(path: ByteString): string {
  const inside = insidePath(path);
  if (inside === undefined) throw errors.badContext(`${shown(path)} is outside of it`);
  return inside;
}

class TarContext implements LocalContext {
  readonly #bytes: ContextBytes;
  readonly #items: ReadonlyMap<string, IndexedItem>;
  readonly sizeBytes: number;

  constructor(bytes: ContextBytes, items: ReadonlyMap<string, IndexedItem>, sizeBytes: number) {
    this.#bytes = bytes;
    this.#items = items;
    this.sizeBytes = sizeBytes;
  }

  tree(excludes: IgnoreMatcher): SourceTree {
    if (excludes.isEmpty) return new IndexTree(this.#items, this.#bytes);
    const kept = new Map<string, IndexedItem>();
    for (const [path, item] of this.#items) {
      if (path !== '' && excludes.excludes(Buffer.from(path, 'latin1').toString())) continue;
      // A folder that is excluded comes back with what is taken back in it.
      for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
        const folder = path.slice(0, at);
        if (!kept.has(folder)) kept.set(folder, this.#items.get(folder)!);
      }
      kept.set(path, item);
    }
    return new IndexTree(kept, this.#bytes);
  }

  async read(path: string, limitBytes: number): Promise<Buffer | undefined> {
    const item = this.#items.get(Buffer.from(path).toString('latin1'));
    if (!item || !isFile(item)) return undefined;
    if (item.size > limitBytes)
      throw errors.badContext(`${path} has ${item.size} bytes, and at most ${limitBytes} are read`);
    const parts: Buffer[] = [];
    for (const { offset, length } of item.pieces) {
      parts.push(offset === undefined ? Buffer.alloc(length) : await this.#bytes.read(offset, length));
    }
    return Buffer.concat(parts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bytes[Symbol.asyncDispose]();
  }
}

class IndexTree implements SourceTree {
  readonly #bytes: ContextBytes;
  readonly #items: ReadonlyMap<string, IndexedItem>;
  /** The same in their order, and where each is: what is in a folder comes right behind it. */
  readonly #ordered: readonly IndexedItem[];
  readonly #places = new Map<string, number>();

  constructor(items: ReadonlyMap<string, IndexedItem>, bytes: ContextBytes) {
    this.#items = items;
    this.#ordered = [...items.values()];
    for (const { path } of this.#ordered) this.#places.set(path, this.#places.size);
    this.#bytes = bytes;
  }

  descriptor(): Promise<number> {
    return this.#bytes.descriptor();
  }

  async stat(path: string): Promise<TreeItem | undefined> {
    return this.#items.get(path);
  }

  async *below(path: string): AsyncGenerator<TreeItem> {
    yield* this.#within(path, false);
  }

  async *contents(path: string): AsyncGenerator<readonly [TreeItem, string]> {
    for (const item of this.#within(path, true)) yield [item, item.digest];
  }

  async *content(path: string): AsyncGenerator<Buffer> {
    for (const { offset, length } of this.#items.get(path)?.pieces ?? []) {
      if (offset === undefined) {
        yield* zeros(length);
        continue;
      }
      for (let at = 0; at < length; at += READ_BYTES) {
        yield await this.#bytes.read(offset + at, Math.min(READ_BYTES, length - at));
      }
    }
  }

  async send(path: string, unpacker: Unpacker, place: (item: TreeItem) => Placement | undefined): Promise<void> {
    for (const item of this.#within(path, true)) {
      const placement = place(item);
      if (!placement) continue;
      putEntry(unpacker, item, placement);
      if (isFile(item)) {
        for (const { offset, length } of item.pieces) {
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
