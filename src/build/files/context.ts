/**
 * A build context that comes as a tar: kept as the bytes it is, with an index of what is in it. Nothing is unpacked; what
 * a step copies goes from there straight into the layer, and only the index is asked whether it has to.
 */
import { createHash, hash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { because, SkiffError } from '#base';
import { archiveBytes } from '#images';
import { type TarEntry, TarReader, type TarSink } from '#wire';
import { errors } from '../errors.ts';
import { ContextBytes } from './context-bytes.ts';
import { ContextIndex, emptyContent, IndexedContext, type LocalContext, type Piece } from './context-index.ts';
import { updateZeros } from './source-tree.ts';

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
      const room = bytes.append(chunk);
      if (room) await room;
    }
    reader.end();
  } catch (error) {
    if (signal.aborted) throw errors.cancelled();
    throw error instanceof SkiffError ? because(errors.badContext(error.message), error) : error;
  }
  undo.move();
  return new IndexedContext({ bytes, items: sink.index.items() });
}

class IndexSink implements TarSink {
  readonly index = new ContextIndex();
  #current: TarEntry | undefined;
  #path = '';
  /** Undefined while all there is of the file came at once. */
  #hash: Hash | undefined;
  #digest = '';
  #pieces: Piece[] = [];

  entry(entry: TarEntry): void {
    this.#current = undefined;
    const path = this.index.place(entry);
    if (entry.type !== 'file') return this.index.add(path, entry);
    this.#current = entry;
    this.#path = path;
    this.#hash = undefined;
    this.#digest = emptyContent.digest;
    this.#pieces = [];
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
    const digest = this.#hash?.digest('hex') ?? this.#digest;
    this.index.add(this.#path, this.#current!, { digest, pieces: this.#pieces });
  }
}
