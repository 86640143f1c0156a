/**
 * HTTP/1.1 for a network: TLS, connections that are kept, clients that wait before they send, and an end to connections
 * on which nothing moves.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type HttpDoor, serve } from './http-server.ts';
import { type TlsSettings, tlsOptions } from './tls.ts';

export interface WebServerOptions {
  readonly tls?: TlsSettings | undefined;
  /** A connection on which nothing moves for this long is closed. Milliseconds; 5 minutes. */
  readonly stallMs?: number;
  /** How long a connection waits for its next request. Milliseconds; 75 seconds. */
  readonly keepAliveMs?: number;
}

export type WebServer = Server | TlsServer;

/** A server that is not listening yet. Throws what OpenSSL says about the certificate and key. */
export function createWebServer(door: HttpDoor, options: WebServerOptions = {}): WebServer {
  const { tls, stallMs = 300_000, keepAliveMs = 75_000 } = options;
  const settings = { keepAliveTimeout: keepAliveMs, requestTimeout: 0, headersTimeout: 60_000 };
  const server: WebServer = tls ? createTlsServer({ ...settings, ...tlsOptions(tls) }) : createServer(settings);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    serve(door, { request, response, hijack: refuseHijack, webSocket: () => undefined, acceptBody: () => request });
  });
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    let isAsked = false;
    const acceptBody = (): IncomingMessage => {
      if (!isAsked) response.writeContinue();
      isAsked = true;
      return request;
    };
    serve(door, { request, response, hijack: refuseHijack, webSocket: () => undefined, acceptBody });
  });
  server.setTimeout(stallMs);
  return server;
}

const IDLE_LOOK_MS = 25;

/** Stops listening, lets requests under way end for at most so long, then closes what is left. */
export async function drain(server: WebServer, milliseconds: number): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // A connection whose request has ended would wait for the next one.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
  const late = setTimeout(() => server.closeAllConnections(), milliseconds);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}

function refuseHijack(): never {
  throw new Error('connections of this server cannot be taken over');
}
