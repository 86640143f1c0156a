/**
 * A small client of the Engine API over a unix socket: what a test needs, and nothing of src/client, so that both ends
 * cannot be wrong in the same way.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The body as JSON; fails when it is none. */
  json<T = Record<string, unknown>>(): T;
}

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, method: string, path: string, text: string) {
    super(`${method} ${path}: ${status} ${text.trim()}`);
    this.status = status;
  }
}

export class Http {
  readonly #socketPath: string;
  #agent = new Agent({ keepAlive: true });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Throws `ApiError` for a status that is not 2xx. */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.send(method, path, body);
    if (answer.status < 200 || answer.status > 299) throw new ApiError(answer.status, method, path, answer.text);
    return answer;
  }

  /** Any status is an answer. */
  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.#request(method, path, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    return { status: response.statusCode ?? 0, text, json: <T>() => JSON.parse(text) as T };
  }

  /** The body as it comes: logs, events. Destroy it to go away. */
  async stream(path: string, method = 'GET'): Promise<IncomingMessage> {
    const response = await this.#request(method, path, undefined);
    if (response.statusCode !== 200) {
      throw new ApiError(response.statusCode ?? 0, method, path, (await collect(response)).toString());
    }
    return response;
  }

  /** Takes the connection over: the bytes of the process come out of it and go into it. `end()` half-closes. */
  hijack(path: string, body?: unknown): Promise<Socket> {
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const text = body === undefined ? '' : JSON.stringify(body);
    const sent = request({
      socketPath: this.#socketPath,
      agent: false,
      method: 'POST',
      path,
      headers: {
        Host: 'skiff',
        Connection: 'Upgrade',
        Upgrade: 'tcp',
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(text),
      },
    });
    sent.once('upgrade', (_response, socket: Socket, head: Buffer) => {
      if (head.length > 0) socket.unshift(head);
      socket.on('error', () => {});
      resolve(socket);
    });
    sent.once('response', (response: IncomingMessage) => {
      collect(response).then(
        (rest) => reject(new ApiError(response.statusCode ?? 0, 'POST', path, rest.toString())),
        reject,
      );
    });
    sent.once('error', reject);
    sent.end(text);
    return promise;
  }

  /** Closes idle connections, so that none is counted as a leak of the daemon. */
  close(): void {
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true });
  }

  #request(method: string, path: string, body: unknown): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const isStream = typeof body === 'object' && body !== null && 'pipe' in body;
    const text = body === undefined || isStream ? '' : JSON.stringify(body);
    const sent = request({
      socketPath: this.#socketPath,
      agent: this.#agent,
      method,
      path,
      headers: isStream
        ? { Host: 'skiff', 'Content-Type': 'application/x-tar' }
        : { Host: 'skiff', 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) },
    });
    sent.once('response', resolve);
    sent.once('error', reject);
    if (isStream) (body as Readable).pipe(sent);
    else sent.end(text);
    return promise;
  }
}

/** Everything until the end. */
export async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export interface Output {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Docker's multiplexed stream taken apart: u8 stream, three zero bytes, u32 big-endian length, payload. */
export function demultiplex(bytes: Buffer): Output {
  const parts: Record<1 | 2, Buffer[]> = { 1: [], 2: [] };
  let at = 0;
  while (at < bytes.length) {
    const stream = bytes[at];
    const length = bytes.readUInt32BE(at + 4);
    if ((stream !== 1 && stream !== 2) || at + 8 + length > bytes.length) {
      throw new Error(`no frame of Docker's stream format at byte ${at} of ${bytes.length}`);
    }
    parts[stream].push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return { stdout: Buffer.concat(parts[1]), stderr: Buffer.concat(parts[2]) };
}
