/** A sink for tests: keeps what it is given. */
import type { TarEntry } from './entry.ts';
import { TarReader, type TarSink } from './reader.ts';

export interface SunkEntry {
  readonly entry: TarEntry;
  /** The content with holes as zeros. */
  readonly content: Buffer;
  readonly holeBytes: number;
  readonly isComplete: boolean;
}

export class FakeSink implements TarSink {
  readonly #entries: { entry: TarEntry; pieces: Buffer[]; holeBytes: number; isComplete: boolean }[] = [];

  entry(entry: TarEntry): void {
    this.#entries.push({ entry, pieces: [], holeBytes: 0, isComplete: entry.type !== 'file' });
  }

  data(bytes: Buffer): void {
    this.#last().pieces.push(Buffer.from(bytes));
  }

  hole(length: number): void {
    this.#last().holeBytes += length;
    this.#last().pieces.push(Buffer.alloc(length));
  }

  end(): void {
    this.#last().isComplete = true;
  }

  get entries(): SunkEntry[] {
    return this.#entries.map(({ pieces, ...rest }) => ({ ...rest, content: Buffer.concat(pieces) }));
  }

  #last(): { pieces: Buffer[]; holeBytes: number; isComplete: boolean } {
    const last = this.#entries.at(-1);
    if (!last || (last.isComplete && last.pieces.length > 0)) throw new Error('content without an entry');
    return last;
  }
}

/** Reads an archive in pieces of this many bytes. */
export function readAll(archive: Buffer, pieceBytes: number = archive.length): SunkEntry[] {
  const sink = new FakeSink();
  const reader = new TarReader(sink);
  for (let at = 0; at < archive.length; at += pieceBytes) reader.push(archive.subarray(at, at + pieceBytes));
  reader.end();
  return sink.entries;
}
