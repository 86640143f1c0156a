/**
 * A published port served by the daemon itself: it listens, and passes on what comes to the container's address.
 *
 * kernel: IPv6 has no route_localnet, so what is sent to ::1 cannot be led to a bridge; a listener is the only way there.
 * And what the daemon listens on goes through the host's input rules, as for any other program.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import { familyOf } from './cidr.ts';
import type { PortProtocol } from './network-record.ts';

export interface RelayedPort {
  readonly protocol: Exclude<PortProtocol, 'sctp'>;
  readonly hostIp: string;
  readonly hostPort: number;
  /** Of the container. */
  readonly address: string;
  readonly containerPort: number;
}

/** A client of UDP that says nothing, and is told nothing, for so long is forgotten. */
const DATAGRAM_IDLE_MS = 90_000;
/** Of one port: the client heard longest ago goes first. */
const MOST_DATAGRAM_CLIENTS = 1000;
const MOST_CONNECTIONS = 4000;

/** Rejects with Node's error when the port cannot be had. */
export function openRelay(port: RelayedPort): Promise<Disposable> {
  return port.protocol === 'tcp' ? relayStreams(port) : relayDatagrams(port);
}

function relayStreams({ hostIp, hostPort, address, containerPort }: RelayedPort): Promise<Disposable> {
  const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
  const sockets = new Set<Socket>();
  // Either side may be done with sending before the other: half of a connection stays open.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const inner = connect({ host: address, port: containerPort, allowHalfOpen: true, noDelay: true });
    for (const [one, other] of [
      [client, inner],
      [inner, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        // What has not been written yet still is, unless it was broken off.
        if (!one.readableEnded) other.destroy();
      });
      one.pipe(other);
    }
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.once('error', reject);
  server.listen({ host: hostIp, port: hostPort, exclusive: true, ipv6Only: true }, () => {
    // A connection that failed before it was taken is no matter for the others.
    server.on('error', () => {});
    resolve({
      [Symbol.dispose]: () => {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    });
  });
  return promise;
}

const datagramType = (address: string): 'udp4' | 'udp6' => (familyOf(address) === 4 ? 'udp4' : 'udp6');

/** Each client has a socket of its own towards the container, so that answers find the way back. */
function relayDatagrams({ hostIp, hostPort, address, containerPort }: RelayedPort): Promise<Disposable> {
  const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
  const outer = createSocket({ type: datagramType(hostIp), ipv6Only: familyOf(hostIp) === 6 });
  const clients = new Map<string, DatagramClient>();
  const forget = (key: string): void => {
    clients.get(key)?.[Symbol.dispose]();
    clients.delete(key);
  };
  outer.on('message', (message, { address: from, port }) => {
    const key = `${from} ${port}`;
    let client = clients.get(key);
    // Put at the end: the first of the map is the one heard longest ago.
    clients.delete(key);
    if (!client && clients.size >= MOST_DATAGRAM_CLIENTS) forget(clients.keys().next().value!);
    client ??= new DatagramClient(
      { address, port: containerPort },
      (answer) => outer.send(answer, port, from),
      () => forget(key),
    );
    clients.set(key, client);
    client.send(message);
  });
  outer.once('error', (error) => {
    outer.close();
    reject(error);
  });
  outer.bind({ address: hostIp, port: hostPort, exclusive: true }, () => {
    outer.removeAllListeners('error');
    // An answer nobody takes any more.
    outer.on('error', () => {});
    resolve({
      [Symbol.dispose]: () => {
        outer.close();
        for (const client of clients.values()) client[Symbol.dispose]();
        clients.clear();
      },
    });
  });
  return promise;
}

class DatagramClient implements Disposable {
  readonly #socket: DatagramSocket;
  readonly #to: { readonly address: string; readonly port: number };
  readonly #idle: NodeJS.Timeout;

  constructor(
    to: { readonly address: string; readonly port: number },
    answer: (message: Buffer) => void,
    ended: () => void,
  ) {
    this.#to = to;
    this.#socket = createSocket(datagramType(to.address));
    this.#idle = setTimeout(ended, DATAGRAM_IDLE_MS);
    this.#idle.unref();
    this.#socket.on('error', ended);
    this.#socket.on('message', (message, { address, port }) => {
      if (address !== to.address || port !== to.port) return;
      this.#idle.refresh();
      answer(message);
    });
  }

  send(message: Buffer): void {
    this.#idle.refresh();
    this.#socket.send(message, this.#to.port, this.#to.address);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#idle);
    this.#socket.close();
  }
}
