/** What a container or exec writes: raw from a terminal, else frames of stdout and stderr. */
import type { Writable } from 'node:stream';
import { Demultiplexer } from '#wire';

export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

export interface OutputSinks {
  /** Undefined: what comes is dropped. */
  readonly stdout?: Writable | undefined;
  readonly stderr?: Writable | undefined;
}

/** Iterate it, or copy it; once. */
export class OutputStream implements AsyncIterable<OutputPiece> {
  /** False for a terminal's output, which is all stdout. */
  readonly multiplexed: boolean;
  readonly #source: AsyncIterable<Buffer>;

  constructor(source: AsyncIterable<Buffer>, multiplexed: boolean) {
    this.#source = source;
    this.multiplexed = multiplexed;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputPiece> {
    const demultiplexer = new Demultiplexer();
    for await (const chunk of this.#source) {
      if (!this.multiplexed) {
        yield { stream: 'stdout', data: chunk };
        continue;
      }
      const pieces: OutputPiece[] = [];
      demultiplexer.push(chunk, (stream, data) => pieces.push({ stream, data }));
      yield* pieces;
    }
  }

  /** Writes everything to the sinks, no faster than they take it; resolves at the end of the stream. */
  async copyTo(sinks: OutputSinks): Promise<void> {
    for await (const { stream, data } of this) {
      const sink = stream === 'stdout' ? sinks.stdout : sinks.stderr;
      if (sink && !sink.write(data)) await drained(sink);
    }
  }
}

function drained(sink: Writable): Promise<void> {
  if (sink.destroyed || !sink.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off('drain', done).off('close', done).off('error', done);
      resolve();
    };
    sink.on('drain', done).on('close', done).on('error', done);
  });
}
