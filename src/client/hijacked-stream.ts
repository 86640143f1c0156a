/** A connection the daemon turned into a process's streams: input goes in, output comes out. */
import type { Duplex, Readable } from 'node:stream';
import { type OutputSinks, OutputStream } from './output-stream.ts';

export class HijackedStream {
  readonly output: OutputStream;
  readonly #socket: Duplex;

  constructor(socket: Duplex, multiplexed: boolean) {
    this.#socket = socket;
    this.output = new OutputStream(socket, multiplexed);
    // A broken connection ends the reading side, which is where it is noticed.
    socket.on('error', () => socket.destroy());
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
