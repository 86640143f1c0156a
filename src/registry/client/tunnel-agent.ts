/**
 * Connections through a proxy: CONNECT, then TLS with the registry within.
 *
 * Node's agents can do that too, but trust only the authorities Node was built with for a proxy that itself speaks TLS,
 * and do not tell a failure of the proxy from one of the registry.
 */
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions, request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { bareHost } from './proxy.ts';

/** Why a proxy gave no tunnel; the cause is what its connection failed with, or its own refusal. */
export class ProxyFailure extends Error {
  readonly proxy: URL;

  constructor(proxy: URL, cause: unknown) {
    super(`the proxy ${proxy.host} gave no connection`, { cause });
    // Without its credentials, which have no place in an error.
    this.proxy = new URL(proxy.origin);
  }
}

export interface TunnelOptions extends AgentOptions {
  readonly proxy: URL;
  /** Whom to trust about the proxy's own certificate, where it is one of TLS. */
  readonly proxyTrust: SecureContext;
  readonly connectMs: number;
  readonly userAgent: string;
}

export class TunnelAgent extends HttpsAgent {
  readonly #tunnel: TunnelOptions;

  constructor(options: TunnelOptions) {
    super(options);
    this.#tunnel = options;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    openTunnel(this.#tunnel, `${bracketed(String(options.host))}:${options.port}`, (failure, socket) => {
      if (socket) callback?.(null, super.createConnection({ ...options, socket } as RequestOptions)!);
      // The type has a stream beside the error, of which there is none.
      else (callback as ((error: Error | undefined) => void) | undefined)?.(failure);
    });
    return undefined;
  }
}

type Done = (failure: ProxyFailure | undefined, socket: Duplex | undefined) => void;

/** A connection to `host:port` by way of the proxy. */
function openTunnel({ proxy, proxyTrust, connectMs, userAgent }: TunnelOptions, target: string, done: Done): void {
  let isDone = false;
  const end = (failure: unknown, socket?: Duplex): void => {
    if (isDone) return;
    isDone = true;
    done(socket ? undefined : new ProxyFailure(proxy, failure), socket);
  };
  // compat: Go says no more than the status of a proxy that refuses.
  const refused = ({ statusMessage, statusCode }: IncomingMessage): void =>
    end(new Error(statusMessage || `status ${statusCode}`));
  const options: RequestOptions & { readonly secureContext?: SecureContext } = {
    method: 'CONNECT',
    host: bareHost(proxy.hostname),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    path: target,
    headers: {
      Host: target,
      'User-Agent': userAgent,
      ...(proxy.username === '' ? {} : { 'Proxy-Authorization': credentials(proxy) }),
    },
    agent: false,
    timeout: connectMs,
    ...(proxy.protocol === 'https:' ? { secureContext: proxyTrust } : {}),
  };
  const request = proxy.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
  request.once('timeout', () => request.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })));
  request.once('error', end);
  request.once('response', (response) => {
    response.destroy();
    refused(response);
  });
  request.once('connect', (response, socket: Duplex, head: Buffer) => {
    if (response.statusCode !== 200) {
      socket.destroy();
      refused(response);
      return;
    }
    if (head.length > 0) socket.unshift(head);
    end(undefined, socket);
  });
  request.end();
}

function credentials({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
}

/** A percent sign that encodes nothing is one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);
