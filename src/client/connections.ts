/** How connections to one daemon are made: a socket, TLS, or whatever the caller dials for us. */
import { Agent, type AgentOptions, type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { connect } from 'node:net';
import { type Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { errors } from './errors.ts';
import { type Endpoint, formatHost, type SshEndpoint } from './host.ts';

/** For TCP. PEM. */
export interface ClientTls {
  /** Whom to believe; absent: the authorities Node trusts. */
  readonly authority?: string | Buffer | undefined;
  /** What to show of ourselves. */
  readonly certificate?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** False: anybody is believed to be the daemon. */
  readonly verify: boolean;
}

export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly tls?: ClientTls | undefined;
  /** Makes a connection of an endpoint only the caller can reach (ssh). */
  readonly dial?: (() => Duplex) | undefined;
}

export class Connections implements Disposable {
  readonly #options: ConnectionOptions;
  readonly #agent: Agent;

  constructor(options: ConnectionOptions) {
    const { endpoint, tls, dial } = options;
    this.#options = options;
    if (dial) this.#agent = new DialAgent(dial);
    else if (endpoint.kind === 'ssh') throw errors.cannotDial(formatHost(endpoint));
    else
      this.#agent = tls && endpoint.kind === 'tcp' ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  }

  /** A request on a kept connection, or on one of its own that never comes back. */
  request(options: RequestOptions, { alone }: { readonly alone: boolean }): ClientRequest {
    const { endpoint, tls, dial } = this.#options;
    const where =
      endpoint.kind === 'unix'
        ? { socketPath: endpoint.path }
        : { host: endpoint.host, ...(endpoint.kind === 'tcp' ? { port: endpoint.port } : {}) };
    // A connection that is dialled is never kept.
    const agent = alone && !dial ? false : this.#agent;
    if (!tls || endpoint.kind !== 'tcp') return httpRequest({ ...where, ...withoutTls, ...options, agent });
    return tlsRequest({ ...where, ...options, ...secure(tls), agent });
  }

  /** The bare connection, before anything was said on it. */
  async open(): Promise<Duplex> {
    const { endpoint, tls, dial } = this.#options;
    if (dial) return dial();
    if (endpoint.kind === 'ssh') throw errors.cannotDial(formatHost(endpoint));
    const isTls = tls !== undefined && endpoint.kind === 'tcp';
    const socket = isTls
      ? connectTls(halfOpen({ host: endpoint.host, port: endpoint.port, ...secure(tls) }))
      : connect(halfOpen(socketOf(endpoint)));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once(isTls ? 'secureConnect' : 'connect', resolve).once('error', reject);
    await promise;
    socket.off('error', reject);
    return socket;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** Each request gets a stream of its own: there is no socket to keep alive. */
class DialAgent extends Agent {
  readonly #dial: () => Duplex;

  constructor(dial: () => Duplex, options: AgentOptions = {}) {
    super({ ...options, keepAlive: false });
    this.#dial = dial;
  }

  override createConnection(): Duplex {
    return this.#dial();
  }
}

function socketOf(endpoint: Exclude<Endpoint, SshEndpoint>) {
  return endpoint.kind === 'unix' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port };
}

/**
 * Otherwise Node's agent makes one of the host, and to see whether that is an address compiles a regular expression that takes a
 * short-lived program 4 ms.
 */
const withoutTls = { servername: '' };

/** The end of what we say is not the end of what we hear. Node's types know this option for one of the two only. */
const halfOpen = <T extends object>(options: T): T & { readonly allowHalfOpen: true } => ({
  ...options,
  allowHalfOpen: true,
});

function secure({ authority, certificate, key, verify }: ClientTls) {
  return {
    ...(authority === undefined ? {} : { ca: authority }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: verify,
    minVersion: 'TLSv1.2' as const,
  };
}
