/**
 * Sockets another process made and sends here, as a child of Node's would: over a channel of the kind `ipc`, with a
 * line of JSON that says what Node is to make of the file descriptor.
 *
 * The channel is Node's own way to hand over sockets between processes, and the only one it has. Its lines are
 * `{"cmd":"NODE_HANDLE","type":…,"msg":…}`; it answers each with a line of its own.
 */
import type { ChildProcess } from 'node:child_process';
import type { Socket as DatagramSocket } from 'node:dgram';
import type { Server } from 'node:net';

export type SentSocket = DatagramSocket | Server;

/** What Node makes of it. */
export type HandleKind =
  | { readonly type: 'dgram.Socket'; readonly dgramType: 'udp4' }
  | { readonly type: 'net.Server' };

const AF_INET = 2;

export class SentSockets {
  readonly #expected = new Map<number, PromiseWithResolvers<SentSocket>>();
  #nextId = 1;

  constructor(sender: ChildProcess) {
    sender.on('message', (message, handle) => {
      const id = (message as { readonly id?: unknown } | null)?.id;
      const expected = typeof id === 'number' ? this.#expected.get(id) : undefined;
      const socket = handle as SentSocket | undefined;
      if (expected && socket) expected.resolve(socket);
      else if (socket) socket.close();
      if (typeof id === 'number') this.#expected.delete(id);
    });
    // The daemon must be able to end while the channel is there.
    sender.channel?.unref();
  }

  /** The line to send with a socket, and the socket when it has arrived; one that comes after `forget` is closed. */
  expect<T extends SentSocket>(
    kind: HandleKind,
  ): { readonly message: string; readonly arrival: Promise<T>; readonly forget: () => void } {
    const id = this.#nextId++;
    const expected = Promise.withResolvers<SentSocket>();
    this.#expected.set(id, expected);
    // Whoever asked for it may have been told before that there will be none.
    expected.promise.catch(() => {});
    return {
      message: `${JSON.stringify({ cmd: 'NODE_HANDLE', ...kind, msg: { id } })}\n`,
      arrival: expected.promise as Promise<T>,
      forget: () => void this.#expected.delete(id),
    };
  }

  /** The sender is gone: nothing arrives any more. */
  fail(reason: Error): void {
    for (const { reject } of this.#expected.values()) reject(reason);
    this.#expected.clear();
  }
}

/** A sockaddr_in: the family in the machine's order, the port and the address in the network's. */
export function socketAddress(address: string, port: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
}
