/**
 * The name service of one container, at 127.0.0.11 in its own network: names of its networks first, then other servers.
 *
 * Its sockets are on a port of their own; rules in the container's network lead port 53 of that address to it, so that
 * the container's programs may have port 53 (compat: as Docker does it).
 */
import type { Socket as DatagramSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import {
  type DnsAnswer,
  type DnsQuery,
  addressOfReverseName,
  dnsCode,
  dnsType,
  ipText,
  readDnsQuery,
  writeDnsAnswer,
} from '#wire';
import type { Forwarder } from './forward.ts';
import { lengthPrefixed, readLengthPrefixed } from './framing.ts';

export const SERVICE_ADDRESS = '127.0.0.11';
/** compat: libnetwork's. */
const TTL_SECONDS = 600;
const CLASS_INTERNET = 1;
const MAX_TCP_CONNECTIONS = 64;
const TCP_IDLE_MS = 10_000;
const MAX_TCP_BYTES = 65_535;
/** A burst of questions waits here; the kernel counts 768 bytes and more for each, and no more than net.core.rmem_max in all. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** What the names of a container's networks are. */
export interface NameSource {
  /** Addresses of a name, shuffled; undefined when nobody on its networks has that name. */
  addresses(name: string, family: 4 | 6): readonly Uint8Array[] | undefined;
  /** The name an address has, with its network's. */
  nameOf(address: string): string | undefined;
  /** Where other names are asked for; none for a container without a way out. */
  readonly servers: readonly string[];
}

export class NameServer implements Disposable {
  readonly #source: NameSource;
  readonly #forwarder: Forwarder;
  readonly #datagrams: DatagramSocket;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();

  constructor(source: NameSource, forwarder: Forwarder, datagrams: DatagramSocket, server: Server) {
    this.#source = source;
    this.#forwarder = forwarder;
    this.#datagrams = datagrams;
    this.#server = server;
    datagrams.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    datagrams.on('message', (message, { address, port }) => {
      const reply = (answer: Buffer | undefined): void => {
        if (answer && !this.#closed) datagrams.send(answer, port, address);
      };
      // Most answers are there at once: ten thousand promises a second would be felt.
      const answer = this.#answer(message, 'udp');
      if (answer instanceof Promise) void answer.then(reply);
      else reply(answer);
    });
    // A client that is gone; the next one is none the worse for it.
    datagrams.on('error', () => {});
    server.on('error', () => {});
    server.maxConnections = MAX_TCP_CONNECTIONS;
    server.on('connection', (socket) => this.#serve(socket));
  }

  #closed = false;

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#datagrams.close();
    this.#server.close();
    for (const socket of this.#connections) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => {});
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    readLengthPrefixed(socket, (message) => {
      void Promise.resolve(this.#answer(message, 'tcp')).then((answer) => {
        if (answer) socket.write(lengthPrefixed(answer));
        else socket.destroy();
      });
    });
  }

  /** Undefined for what is no question: nothing is said to it. */
  #answer(message: Buffer, by: 'udp' | 'tcp'): Buffer | undefined | Promise<Buffer> {
    const query = readDnsQuery(message);
    if (!query) return undefined;
    const limit = by === 'udp' ? query.maxBytes : MAX_TCP_BYTES;
    const own = query.opcode === 0 && query.class === CLASS_INTERNET ? this.#ownAnswer(query) : undefined;
    if (own) return writeDnsAnswer(query, { answers: own, ttlSeconds: TTL_SECONDS }, limit);
    return this.#forward(query, message, by, limit);
  }

  async #forward(query: DnsQuery, message: Buffer, by: 'udp' | 'tcp', limit: number): Promise<Buffer> {
    const answer = await this.#forwarder.ask(query, message, this.#source.servers, by);
    return answer ?? writeDnsAnswer(query, { code: dnsCode.serverFailure }, limit);
  }

  #ownAnswer({ name, type }: DnsQuery): DnsAnswer[] | undefined {
    if (type === dnsType.ptr) {
      const bytes = addressOfReverseName(name);
      const found = bytes && this.#source.nameOf(ipText(bytes));
      return found === undefined ? undefined : [{ type: 'name', name: found }];
    }
    if (type !== dnsType.a && type !== dnsType.aaaa) return undefined;
    const addresses = this.#source.addresses(name, type === dnsType.a ? 4 : 6);
    return addresses?.map((bytes) => ({ type: 'address', bytes }));
  }
}
