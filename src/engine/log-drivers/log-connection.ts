/** A stream to a log server, made when it is needed and made again after it broke: TCP, TLS or a unix socket. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export type LogAddress =
  | { readonly kind: 'tcp' | 'tls' | 'udp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix' | 'unixgram'; readonly path: string };

/** Paths of PEM files; empty for none. */
export interface LogTls {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly skipVerify: boolean;
}

const CONNECT_MS = 5000;
const CLOSE_MS = 1000;

/**
 * `tcp://host:port`, `tcp+tls://…`, `tls://…`, `udp://…`, `unix:///path`, `unixgram:///path`; without a scheme it is TCP.
 * Undefined for anything else.
 */
export function parseLogAddress(text: string, defaultPort: number | undefined): LogAddress | undefined {
  const [, scheme = 'tcp', rest = ''] = /^(?:([a-z+]+):\/\/)?(.*)$/.exec(text) ?? [];
  if (scheme === 'unix' || scheme === 'unixgram')
    return rest.startsWith('/') ? { kind: scheme, path: rest } : undefined;
  const kind = ({ tcp: 'tcp', udp: 'udp', 'tcp+tls': 'tls', tls: 'tls' } as const)[scheme];
  if (kind === undefined) return undefined;
  const [, host = '', portText] = /^(\[[^\]]+\]|[^:/]*)(?::(\d+))?$/.exec(rest) ?? [];
  const port = portText === undefined ? defaultPort : Number(portText);
  if (host === '' || port === undefined || port < 1 || port > 65_535) return undefined;
  return { kind, host: host.replace(/^\[|\]$/g, ''), port };
}

export function describeAddress(address: LogAddress): string {
  if ('path' in address) return `${address.kind}://${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.kind}://${host}:${address.port}`;
}

export class LogConnection implements AsyncDisposable {
  readonly #address: LogAddress;
  readonly #tls: LogTls | undefined;
  #socket: Socket | undefined;

  constructor(address: LogAddress, tls?: LogTls) {
    this.#address = address;
    this.#tls = tls;
  }

  /** Rejects with what the kernel or TLS said, and the address. */
  async connect(): Promise<Socket> {
    if (this.#socket && !this.#socket.destroyed && this.#socket.writable) return this.#socket;
    const socket = this.#open();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (error: Error): void => reject(error);
    socket.once(this.#address.kind === 'tls' ? 'secureConnect' : 'connect', resolve).once('error', fail);
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error(`no answer within ${CONNECT_MS} ms`)));
    try {
      await promise;
    } catch (error) {
      socket.destroy();
      throw new Error(`dial ${describeAddress(this.#address)}: ${(error as Error).message}`, { cause: error });
    }
    socket.setTimeout(0).off('error', fail);
    // What breaks it shows at the next write; nothing in the daemon waits for a log server.
    socket.on('error', () => {}).unref();
    this.#socket = socket;
    return socket;
  }

  /** Resolves when the kernel has the bytes. A connection that fails is not used again. */
  async write(bytes: Uint8Array): Promise<void> {
    const socket = await this.connect();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const closed = (): void => reject(new Error(`${describeAddress(this.#address)} has closed the connection`));
    socket.once('close', closed);
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    try {
      await promise;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      socket.off('close', closed);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const socket = this.#socket;
    if (!socket || socket.destroyed) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.destroySoon();
    // One that takes nothing any more is let go of.
    const timer = setTimeout(() => socket.destroy(), CLOSE_MS);
    await closed;
    clearTimeout(timer);
  }

  #open(): Socket {
    const address = this.#address;
    if ('path' in address) return connect({ path: address.path });
    const { host, port } = address;
    if (address.kind !== 'tls') return connect({ host, port });
    const { ca = '', certificate = '', key = '', skipVerify = false } = this.#tls ?? {};
    return connectTls({
      host,
      port,
      servername: host,
      rejectUnauthorized: !skipVerify,
      ...(ca === '' ? {} : { ca: readFileSync(ca) }),
      ...(certificate === '' ? {} : { cert: readFileSync(certificate), key: readFileSync(key) }),
    });
  }
}
