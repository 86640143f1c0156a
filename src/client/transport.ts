/** HTTP to one daemon, over kept connections. Knows no routes. */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { messageOf, type SkiffError } from '#base';
import type { LocalCall, LocalDoor } from '#rpc';
import { type ConnectionOptions, Connections } from './connections.ts';
import { connectionError, errors, refusal } from './errors.ts';
import { HijackedStream } from './hijacked-stream.ts';
import { formatHost } from './host.ts';

export type QueryValue = string | number | boolean | readonly string[] | undefined;
export type Query = Readonly<Record<string, QueryValue>>;

export interface TransportOptions extends ConnectionOptions {
  /** Put in front of every path, such as `1.44`; absent: the daemon's newest. */
  readonly apiVersion?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Answers instead of any connection: the daemon is this process. */
  readonly local?: LocalDoor | undefined;
  /** Asked once when nobody listens: true when the daemon is there now and the request is worth repeating. */
  readonly onUnreachable?: ((error: SkiffError) => Promise<boolean>) | undefined;
}

/** The daemon's answer; its body is what it streams. */
export interface Answer extends Readable {
  readonly statusCode?: number | undefined;
  readonly statusMessage?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export interface Call {
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. A call with a stream is not repeated: ping first. */
  readonly stream?: Readable | undefined;
  readonly contentType?: string | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';

export class Transport {
  readonly #options: TransportOptions;
  readonly #connections: Connections;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#connections = new Connections(options);
  }

  get host(): string {
    return formatHost(this.#options.endpoint);
  }

  /** The answer once its head is there; its body is the caller's to read. Throws the daemon's refusal. */
  async open(method: Method, path: string, call: Call = {}): Promise<Answer> {
    return this.#reaching(async () => {
      const response = await this.#send(method, path, call);
      if (statusOf(response) >= 400) throw await refusalOf(response);
      return response;
    });
  }

  /** The answer's JSON. `parse` is JSON.parse unless the answer holds 64-bit integers. */
  async json<T>(
    method: Method,
    path: string,
    call: Call = {},
    parse: (text: string) => unknown = JSON.parse,
  ): Promise<T> {
    const text = await this.text(method, path, call);
    try {
      return parse(text) as T;
    } catch (error) {
      throw errors.badAnswer(`${method} ${path}`, messageOf(error));
    }
  }

  async text(method: Method, path: string, call: Call = {}): Promise<string> {
    return readText(await this.open(method, path, call), this.host);
  }

  /** For answers without a body; 304 is an answer like any other and told by the result. */
  async status(method: Method, path: string, call: Call = {}): Promise<number> {
    const response = await this.open(method, path, call);
    response.resume();
    return statusOf(response);
  }

  /** Turns the connection into a process's streams. Throws the daemon's refusal. */
  async hijack(path: string, call: Call = {}): Promise<HijackedStream> {
    return this.#reaching(async () => {
      const { response, socket } = await this.#upgrade(path, call, 'tcp');
      const type = response.headers['content-type'];
      return new HijackedStream(socket, type !== 'application/vnd.docker.raw-stream');
    });
  }

  /** Turns the connection over to another protocol. Throws the daemon's refusal. */
  async upgrade(path: string, protocol: string, call: Call = {}): Promise<Duplex> {
    return this.#reaching(async () => (await this.#upgrade(path, call, protocol)).socket);
  }

  /** A bare connection to the daemon, for somebody else's requests. */
  async dial(): Promise<Duplex> {
    return this.#reaching(() => this.#connections.open());
  }

  close(): void {
    this.#connections[Symbol.dispose]();
  }

  async #reaching<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      const reported = this.#failure(error);
      const revive = reported.code === 'client.unreachable' ? this.#options.onUnreachable : undefined;
      if (!revive || !(await revive(reported))) throw reported;
    }
    try {
      return await attempt();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Before the answer has begun. */
  #failure(thrown: unknown): SkiffError {
    return connectionError(thrown, this.host, { tls: this.#options.tls !== undefined });
  }

  #send(method: Method, path: string, call: Call): Promise<Answer> {
    const { local } = this.#options;
    if (local) return local(this.#localCall(method, path, call));
    return new Promise((resolve, reject) => {
      const request = this.#request(method, path, call, { alone: false });
      request.once('response', resolve).once('error', reject);
      finish(request, call);
    });
  }

  async #upgrade(path: string, call: Call, protocol: string): Promise<{ response: Answer; socket: Duplex }> {
    const { local } = this.#options;
    if (local) {
      const response = await local({ ...this.#localCall('POST', path, call), upgrade: protocol });
      if (response.upgraded) return { response, socket: response.upgraded };
      if (response.statusCode >= 400) throw await refusalOf(response);
      throw errors.notUpgraded(path, response.statusCode);
    }
    return new Promise((resolve, reject) => {
      // A connection of its own: it never comes back to the kept ones.
      const request = this.#request('POST', path, call, { alone: true }, { Connection: 'Upgrade', Upgrade: protocol });
      request.once('error', reject);
      request.once('upgrade', (response: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (head.length > 0) socket.unshift(head);
        resolve({ response, socket });
      });
      request.once('response', (response) => {
        const status = statusOf(response);
        if (status >= 400) refusalOf(response).then(reject, reject);
        else reject(errors.notUpgraded(path, status));
      });
      finish(request, call);
    });
  }

  #request(
    method: Method,
    path: string,
    call: Call,
    connection: { readonly alone: boolean },
    headers: Readonly<Record<string, string>> = {},
  ): ClientRequest {
    const { endpoint, headers: always } = this.#options;
    const request = {
      method,
      path: this.#target(path, call),
      // A unix socket has no name of its own; the header is required.
      headers: {
        Host: endpoint.kind === 'unix' ? 'skiff' : endpoint.host,
        ...always,
        ...headers,
        ...call.headers,
        ...bodyHeaders(call),
      },
      ...(call.signal ? { signal: call.signal } : {}),
    };
    return this.#connections.request(request, connection);
  }

  #localCall(method: Method, path: string, call: Call): LocalCall {
    return {
      method,
      target: this.#target(path, call),
      headers: { ...this.#options.headers, ...call.headers, ...bodyHeaders(call) },
      body: call.stream ?? (call.body === undefined ? undefined : JSON.stringify(call.body)),
      signal: call.signal,
    };
  }

  #target(path: string, call: Call): string {
    const { apiVersion } = this.#options;
    return `${apiVersion === undefined ? '' : `/v${apiVersion}`}${path}${formatQuery(call.query)}`;
  }
}

/** `?a=1&b=2`: true is `1`, false and undefined are left out, lists are repeated. */
export function formatQuery(query: Query | undefined): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === false) continue;
    const values = typeof value === 'object' ? value : [value === true ? '1' : String(value)];
    for (const each of values) pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(each)}`);
  }
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function bodyHeaders(call: Call): Record<string, string | number> {
  if (call.stream) return { 'Content-Type': call.contentType ?? 'application/octet-stream' };
  if (call.body === undefined) return {};
  return { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(JSON.stringify(call.body)) };
}

function finish(request: ClientRequest, call: Call): void {
  if (call.stream) {
    const { stream } = call;
    stream.once('error', (error) => request.destroy(error));
    stream.pipe(request);
  } else {
    request.end(call.body === undefined ? undefined : JSON.stringify(call.body));
  }
}

const statusOf = (response: Answer): number => response.statusCode ?? 0;

async function refusalOf(response: Answer): Promise<SkiffError> {
  const text = await readText(response, '');
  let message = text.trim();
  try {
    const value = JSON.parse(text) as { message?: unknown };
    if (typeof value.message === 'string') message = value.message;
  } catch {
    // Not ours to interpret: whatever answered gets quoted.
  }
  return refusal(statusOf(response), message === '' ? (response.statusMessage ?? 'no reason given') : message);
}

async function readText(response: Answer, host: string): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (error) {
    throw connectionError(error, host);
  }
  return Buffer.concat(chunks).toString('utf8');
}
