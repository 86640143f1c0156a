/**
 * HTTP/1.1 on sockets, with connections that a handler may take over (Docker's attach, exec and build session).
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { Server as NetServer } from 'node:net';
import { Duplex } from 'node:stream';
import type { Incoming, Outgoing } from './exchange.ts';
import { header } from './header.ts';
import type { RequestContext } from './router.ts';
import { webSocketAccept, webSocketStream } from './web-socket.ts';
import { type TlsSettings, tlsOptions } from './tls.ts';

/** Of a body that is not read yet: an archive comes in while the part before it is dealt with. */
const BUFFERED_BYTES = 1024 * 1024;

export interface HttpDoor {
  /** Answers one request, the errors of its routes included; `params` are still empty. */
  handle(context: RequestContext): Promise<void>;
  /** Headers of every answer, hijacked ones included. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A server that is not listening yet. Throws what OpenSSL says about the certificate and key. */
export function createHttpServer(door: HttpDoor, tls?: TlsSettings): Server {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const hijack = (contentType: string): Duplex => answerWithStream(request, response, contentType);
    serve(door, { request, response, hijack, webSocket: () => undefined, acceptBody: () => request });
  };
  const settings = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 60_000, highWaterMark: BUFFERED_BYTES };
  // Half-open, as connections without TLS are: the end of an attached client's input is not the end of the output.
  const server = tls
    ? createTlsServer({ ...settings, ...tlsOptions(tls), allowHalfOpen: true }, answer)
    : createServer(settings, answer);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    serveUpgrade(door, request, socket, head);
  });
  return server;
}

/**
 * Shows this certificate from the next connection on; those that are open stay as they are. Throws what OpenSSL says of it, and
 * then nothing has changed.
 */
export function renewTls(server: NetServer, tls: TlsSettings): void {
  if (server instanceof TlsServer) server.setSecureContext(tlsOptions(tls));
}

/** Hands one request to the door. A target that is no URL is answered here: it has no path to route by. */
export function serve(door: HttpDoor, exchange: Omit<RequestContext, 'url' | 'params' | 'query' | 'signal'>): void {
  const { request, response } = exchange;
  const abort = new AbortController();
  const gone = (): void => abort.abort(new Error('the client has gone'));
  response.once('close', () => {
    if (!response.writableFinished) gone();
  });
  for (const [name, value] of Object.entries(door.headers)) response.setHeader(name, value);
  const target = request.url ?? '/';
  // `//host` would be taken for a host.
  const url = URL.parse(target.startsWith('/') ? `http://localhost${target}` : target);
  if (!url) {
    response.writeHead(400, { Connection: 'close' }).end();
    return;
  }
  void door.handle({ ...exchange, url, params: {}, query: url.searchParams, signal: abort.signal });
}

/** compat: a client that does not ask for an upgrade gets a 200 and the stream as the body; its own body is the input. */
export function answerWithStream(request: Incoming, response: Outgoing, contentType: string): Duplex {
  response.writeHead(200, { 'Content-Type': contentType });
  response.flushHeaders();
  const stream = Duplex.from({ readable: request, writable: response } as never);
  // A client that goes away before anybody listens must not take the process along.
  stream.on('error', () => stream.destroy());
  return stream;
}

/** The body of such a request is read from the request as usual; the socket carries what comes after it. */
function serveUpgrade(door: HttpDoor, request: IncomingMessage, socket: Duplex, first: Buffer): void {
  socket.on('error', () => socket.destroy());
  if (first.length > 0) socket.unshift(first);
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(request.socket);
  let taken = false;
  response.once('finish', () => {
    if (!taken) socket.end();
  });
  const takeOver = (lines: readonly string[]): Duplex => {
    taken = true;
    response.detachSocket(request.socket);
    socket.write(headOf(lines, door.headers));
    return socket;
  };
  const hijack = (contentType: string, protocol = 'tcp'): Duplex =>
    takeOver([
      'HTTP/1.1 101 UPGRADED',
      ...(contentType === '' ? [] : [`Content-Type: ${contentType}`]),
      'Connection: Upgrade',
      `Upgrade: ${protocol}`,
    ]);
  const webSocket = (isText: boolean): Duplex | undefined => {
    const key = header(request, 'sec-websocket-key');
    if (header(request, 'upgrade')?.toLowerCase() !== 'websocket' || key === undefined) return undefined;
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Accept: ${webSocketAccept(key)}`,
    ];
    return webSocketStream(takeOver(lines), isText);
  };
  serve(door, { request, response, hijack, webSocket, acceptBody: () => request });
}

function headOf(first: readonly string[], headers: Readonly<Record<string, string>>): string {
  const lines = [...first, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
