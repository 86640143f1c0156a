/** A connection the daemon turned into a process's streams: input goes in, output comes out. */
import type { Duplex, Readable } from 'node:stream';
import { errnoCode } from '#base';
import { type OutputSinks, OutputStream } from './output-stream.ts';

export class HijackedStream {
  readonly output: OutputStream;
  readonly #socket: Duplex;

  constructor(socket: Duplex, multiplexed: boolean) {
    this.#socket = socket;
    this.output = new OutputStream(chunksOf(socket), multiplexed);
    // Noticed where the output is read; nobody may be reading yet.
    socket.on('error', () => {});
  }

  /** Sends input; false when the sender should wait for `drained`. */
  write(data: Uint8Array): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded ? true : this.#socket.write(data);
  }

  /** Resolves when more input may be sent, or none is wanted any more. */
  drained(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.on('drain', done).on('close', done);
    });
  }

  /** No more input; output goes on. */
  closeInput(): void {
    if (!this.#socket.destroyed) this.#socket.end();
  }

  /** Sends all of a stream as input, then closes it. A process that stops reading ends the copying. */
  async sendFrom(source: Readable): Promise<void> {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (this.#socket.destroyed) return;
      if (!this.write(chunk)) await this.drained();
    }
    this.closeInput();
  }

  /** Writes all output to the sinks; resolves when the process's streams have ended. */
  copyTo(sinks: OutputSinks): Promise<void> {
    return this.output.copyTo(sinks);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

const MOST_WAITING = 256 * 1024;

/**
 * What a connection brings, and its end. A process that ends with input unread resets the connection after its
 * output: what has come in by then is handed on all the same, and the reset is an end like any other, for how the
 * process ended is told by its exit code. So chunks are taken as they come, and not left in the socket, which
 * forgets them when it breaks.
 */
async function* chunksOf(socket: Duplex): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let size = 0;
  let ended = false;
  let failure: unknown;
  let wake = (): void => {};
  socket.on('data', (chunk: Buffer) => {
    waiting.push(chunk);
    size += chunk.length;
    if (size > MOST_WAITING) socket.pause();
    wake();
  });
  const end = (): void => {
    ended = true;
    wake();
  };
  socket.on('end', end).on('close', end);
  socket.on('error', (error) => {
    const code = errnoCode(error);
    if (code !== 'ECONNRESET' && code !== 'EPIPE') failure ??= error;
    end();
  });
  try {
    for (;;) {
      const chunk = waiting.shift();
      if (chunk) {
        size -= chunk.length;
        yield chunk;
      } else if (failure !== undefined) throw failure;
      else if (ended) return;
      else {
        socket.resume();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    socket.destroy();
  }
}
