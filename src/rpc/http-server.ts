/**
 * HTTP/1.1 on sockets, with connections that a handler may take over (Docker's attach, exec and build session).
 *
 * A request with `Connection: Upgrade` arrives with its body still in the socket: it is read by its length here,
 * so that handlers see one kind of request.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import type { RequestContext } from './router.ts';

export interface HttpDoor {
  /** Answers one request, the errors of its routes included; `params` are still empty. */
  handle(context: RequestContext): Promise<void>;
  /** Headers of every answer, hijacked ones included. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A server that is not listening yet. */
export function createHttpServer(door: HttpDoor): Server {
  const server = createServer(
    { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 60_000 },
    (request, response) => {
      serve(door, request, response, (contentType) => answerWithStream(request, response, contentType));
    },
  );
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    serveUpgrade(door, request, socket, head);
  });
  return server;
}

function serve(
  door: HttpDoor,
  request: IncomingMessage,
  response: ServerResponse,
  hijack: (type: string) => Duplex,
): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const abort = new AbortController();
  const gone = (): void => abort.abort(new Error('the client has gone'));
  response.once('close', () => {
    if (!response.writableFinished) gone();
  });
  for (const [name, value] of Object.entries(door.headers)) response.setHeader(name, value);
  const context: RequestContext = {
    request,
    response,
    url,
    params: {},
    query: url.searchParams,
    signal: abort.signal,
    hijack,
  };
  void door.handle(context);
}

/** compat: a client that does not ask for an upgrade gets a 200 and the stream as the body; its own body is the input. */
function answerWithStream(request: IncomingMessage, response: ServerResponse, contentType: string): Duplex {
  response.writeHead(200, { 'Content-Type': contentType });
  response.flushHeaders();
  return Duplex.from({ readable: request, writable: response } as never);
}

function serveUpgrade(door: HttpDoor, request: IncomingMessage, socket: Duplex, first: Buffer): void {
  socket.on('error', () => socket.destroy());
  const length = Number(request.headers['content-length'] ?? 0);
  if (request.headers['transfer-encoding'] !== undefined || !(length >= 0 && length <= 1024 * 1024)) {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  void readBody(socket, first, length).then((body) => {
    const replayed = withBody(request, body);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    let taken = false;
    response.once('finish', () => {
      if (!taken) socket.end();
    });
    const hijack = (contentType: string): Duplex => {
      taken = true;
      response.detachSocket(request.socket);
      socket.write(upgradeHead(contentType, door.headers));
      return socket;
    };
    serve(door, replayed, response, hijack);
  });
}

function upgradeHead(contentType: string, headers: Readonly<Record<string, string>>): string {
  const lines = ['HTTP/1.1 101 UPGRADED', `Content-Type: ${contentType}`, 'Connection: Upgrade', 'Upgrade: tcp'];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** The body's bytes; what the client sent beyond them goes back into the socket. */
async function readBody(socket: Duplex, first: Buffer, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const take = (chunk: Buffer): void => {
    chunks.push(chunk);
    size += chunk.length;
  };
  if (first.length > 0) take(first);
  while (size < length) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) take(chunk);
    else if (socket.readableEnded || socket.destroyed) break;
    else await new Promise<void>((resolve) => socket.once('readable', resolve).once('close', resolve));
  }
  const all = Buffer.concat(chunks);
  if (all.length > length) socket.unshift(all.subarray(length));
  return all.subarray(0, length);
}

/** The same request with a body that can be read as usual. */
function withBody(request: IncomingMessage, body: Buffer): IncomingMessage {
  const stream = new PassThrough();
  stream.end(body);
  return new Proxy(request, {
    get: (target, key) => {
      if (key === Symbol.asyncIterator) return () => stream[Symbol.asyncIterator]();
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value as (...args: never[]) => unknown).bind(target) : value;
    },
  });
}
