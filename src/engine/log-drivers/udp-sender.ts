/** Datagrams to one log server. */
import { createSocket, type Socket } from 'node:dgram';
import { describeAddress } from './log-connection.ts';

export class UdpSender {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #port: number;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').unref();
    this.#socket.on('error', () => {});
  }

  /** Resolves when the kernel has them; whether anybody listens nobody knows. Rejects with the address. */
  async send(datagrams: readonly Uint8Array[]): Promise<void> {
    for (const bytes of datagrams) await this.#sendOne(bytes);
  }

  close(): void {
    this.#socket.close();
  }

  #sendOne(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(bytes, this.#port, this.#host, (error) => {
        const to = describeAddress({ kind: 'udp', host: this.#host, port: this.#port });
        if (error) reject(new Error(`send to ${to}: ${error.message}`));
        else resolve();
      });
    });
  }
}
