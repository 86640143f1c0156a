/**
 * A build context that stays with its client: it tells what is in a folder and sends the files that are asked for. Those
 * whose content is not known are asked for at once, for their digests; the others when a step copies them.
 */
import { createHash, hash, type Hash } from 'node:crypto';
import { shown, type TarEntry } from '#wire';
import { errors } from '../errors.ts';
import { ContextBytes } from './context-bytes.ts';
import {
  type Content,
  ContextIndex,
  emptyContent,
  type IndexedItem,
  IndexedContext,
  type LocalContext,
  type Piece,
} from './context-index.ts';
import type { KnownFolder } from './known-files.ts';

/** A folder of a client's, as the client told what is in it. */
export interface ClientFolder {
  /** Nanoseconds since 1970, before the client looked at the first file: what it says is no older. */
  readonly askedNs: bigint;
  /** A folder before what is in it, in byte order of names; links behind what they name. */
  readonly entries: readonly ListedEntry[];
  /** Asks for files by their numbers. Ends when all were sent; throws what the client fails with. */
  fetch(ids: readonly number[], receiver: FileReceiver): Promise<void>;
  /** No more will be asked for. */
  close(): Promise<void>;
}

export interface ListedEntry {
  /** The client's number for it. */
  readonly id: number;
  readonly entry: TarEntry;
}

/** Takes what the client sends, of several files at a time perhaps. A promise is to be waited for. */
export interface FileReceiver {
  /** Throws `build.badContext` for more than was announced. */
  data(id: number, bytes: Buffer): Promise<void> | undefined;
  /** Throws `build.badContext` for less. */
  end(id: number): void;
}

export interface FolderContextParts {
  /** For what is too large for memory. */
  readonly folder: string;
  readonly known: KnownFolder;
  readonly signal: AbortSignal;
}

/** The client's folder is closed with the context. Throws `build.badContext`, and what the client fails with. */
export async function openFolderContext(client: ClientFolder, parts: FolderContextParts): Promise<LocalContext> {
  await using undo = new AsyncDisposableStack();
  const bytes = undo.use(new ContextBytes(parts.folder));
  const files = new FetchedFiles(client, bytes, parts.known);
  const index = new ContextIndex();
  const unknown: ListedFile[] = [];
  for (const { id, entry } of client.entries) {
    const path = index.place(entry);
    if (entry.type !== 'file') index.add(path, entry);
    else if (entry.size === 0) index.add(path, entry, emptyContent);
    else {
      const digest = parts.known.digestOf(entry);
      const file: ListedFile = { id, entry, content: { digest: digest ?? '', pieces: undefined } };
      if (digest === undefined) unknown.push(file);
      files.add(file);
      index.add(path, entry, file.content);
    }
  }
  try {
    await files.fetch(unknown);
  } catch (error) {
    if (parts.signal.aborted) throw errors.cancelled();
    throw error;
  }
  undo.move();
  const fetch = (missing: readonly IndexedItem[]): Promise<void> => files.need(missing.map(({ content }) => content));
  return new IndexedContext({ bytes, items: index.items(), fetch, close: () => client.close() });
}

interface ListedFile {
  readonly id: number;
  readonly entry: TarEntry;
  readonly content: Content;
}

class FetchedFiles {
  readonly #client: ClientFolder;
  readonly #bytes: ContextBytes;
  readonly #known: KnownFolder;
  readonly #listed = new Map<Content, ListedFile>();
  /** One request at a time: two may want the same. */
  #fetching: Promise<unknown> = Promise.resolve();

  constructor(client: ClientFolder, bytes: ContextBytes, known: KnownFolder) {
    this.#client = client;
    this.#bytes = bytes;
    this.#known = known;
  }

  add(file: ListedFile): void {
    this.#listed.set(file.content, file);
  }

  /** Throws as `fetch`. */
  need(contents: readonly Content[]): Promise<void> {
    const next = this.#fetching.then(() => {
      const missing = new Set(contents.filter(({ pieces }) => pieces === undefined));
      return this.fetch([...missing].map((content) => this.#listed.get(content)!));
    });
    this.#fetching = next.catch(() => {});
    return next;
  }

  /** Throws `build.badContext`, and what the client fails with. */
  async fetch(files: readonly ListedFile[]): Promise<void> {
    if (files.length === 0) return;
    const coming = new Map(files.map((file) => [file.id, new ComingFile(file, this.#bytes)]));
    await this.#client.fetch([...coming.keys()], {
      data: (id, bytes) => comingFile(coming, id).data(bytes),
      end: (id) => {
        const file = comingFile(coming, id);
        coming.delete(id);
        this.#end(file);
      },
    });
    await this.#bytes.settle();
    const [left] = coming.values();
    if (left) throw errors.badContext(`${shown(left.file.entry.path)} was not sent`);
  }

  #end({ file, digest, pieces }: ComingFile): void {
    const { entry, content } = file;
    if (content.digest !== '' && content.digest !== digest) {
      // The cache was asked with what it held before.
      this.#known.forget(entry.path);
      throw errors.badContext(`${shown(entry.path)} has changed, but kept its size and its time: build again`);
    }
    content.digest = digest;
    content.pieces = pieces;
    this.#known.learn(entry, digest);
  }
}

function comingFile(coming: ReadonlyMap<number, ComingFile>, id: number): ComingFile {
  const file = coming.get(id);
  if (!file) throw errors.badContext(`content of number ${id}, which was not asked for`);
  return file;
}

class ComingFile {
  readonly file: ListedFile;
  readonly #bytes: ContextBytes;
  readonly #pieces: Piece[] = [];
  #left: number;
  #hash: Hash | undefined;
  #digest = '';

  constructor(file: ListedFile, bytes: ContextBytes) {
    this.file = file;
    this.#bytes = bytes;
    this.#left = file.entry.size;
  }

  data(bytes: Buffer): Promise<void> | undefined {
    // It would begin a digest in pieces, which what comes in one piece does not go on with.
    if (bytes.length === 0) return undefined;
    const { size, path } = this.file.entry;
    this.#left -= bytes.length;
    if (this.#left < 0) throw errors.badContext(`${shown(path)} has more content than was announced`);
    // Most files come in one piece, for which there is a quicker way.
    if (bytes.length === size) this.#digest = hash('sha256', bytes, 'hex');
    else (this.#hash ??= createHash('sha256')).update(bytes);
    const offset = this.#bytes.length;
    const last = this.#pieces.at(-1);
    if (last && last.offset! + last.length === offset) {
      this.#pieces[this.#pieces.length - 1] = { offset: last.offset, length: last.length + bytes.length };
    } else this.#pieces.push({ offset, length: bytes.length });
    return this.#bytes.append(bytes);
  }

  /** Once all is here. Throws `build.badContext`. */
  get digest(): string {
    if (this.#left !== 0) throw errors.badContext(`${shown(this.file.entry.path)} changed while it was sent`);
    return this.#hash?.digest('hex') ?? this.#digest;
  }

  get pieces(): readonly Piece[] {
    return this.#pieces;
  }
}
