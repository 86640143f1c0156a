/**
 * Requests of this very process: the same routes, and no connection, no text to write and to parse again.
 *
 * What a client of a socket would see is kept: heads before bodies, back-pressure, and an end of either side that the other
 * one notices.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { type Duplex, duplexPair, PassThrough, Readable, Writable } from 'node:stream';
import type { Incoming, Outgoing } from './exchange.ts';
import { answerWithStream, type HttpDoor, serve } from './http-server.ts';

export interface LocalCall {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body?: string | Readable | undefined;
  /** The protocol the connection is to be turned over to. */
  readonly upgrade?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The body is what it streams. */
export interface LocalAnswer extends Readable {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  /** What an upgrade was granted with; there is no body then. */
  readonly upgraded?: Duplex;
}

/** Resolves with the head of the answer. Rejects when the request was given up before. */
export type LocalDoor = (call: LocalCall) => Promise<LocalAnswer>;

export function localDoor(door: HttpDoor): LocalDoor {
  return (call) => {
    const { promise, resolve, reject } = Promise.withResolvers<LocalAnswer>();
    const request = new LocalRequest(call);
    const response = new LocalResponse(call.method, resolve, reject);
    const hijack = (contentType: string, protocol = 'tcp'): Duplex => {
      if (call.upgrade === undefined) return answerWithStream(request, response, contentType);
      const [near, far] = duplexPair();
      const type = contentType === '' ? {} : { 'Content-Type': contentType };
      const leave = (): void => void near.destroy();
      call.signal?.addEventListener('abort', leave, { once: true });
      near.once('close', () => {
        call.signal?.removeEventListener('abort', leave);
        // Where it was cut off: Node tells the other side of its end only.
        far.destroy();
      });
      response.turnOver(near, { ...type, Connection: 'Upgrade', Upgrade: protocol });
      return far.on('error', () => far.destroy());
    };
    const abort = (): void => void response.destroy(call.signal?.reason as Error);
    if (call.signal?.aborted) abort();
    call.signal?.addEventListener('abort', abort, { once: true });
    response.once('close', () => call.signal?.removeEventListener('abort', abort));
    serve(door, { request, response, hijack, webSocket: () => undefined, acceptBody: () => request });
    return promise;
  };
}

class LocalRequest extends PassThrough implements Incoming {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders = {};
  readonly headersDistinct: NodeJS.Dict<string[]> = {};

  constructor({ method, target, headers, body }: LocalCall) {
    super();
    this.method = method;
    this.url = target;
    for (const [name, value] of Object.entries(headers)) {
      if (value === undefined) continue;
      const values = typeof value === 'object' ? value.map(String) : [String(value)];
      this.headers[name.toLowerCase()] = values.join(', ');
      this.headersDistinct[name.toLowerCase()] = values;
    }
    if (body instanceof Readable) {
      body.once('error', (error) => this.destroy(error));
      body.pipe(this);
    } else this.end(body);
  }
}

class LocalBody extends Readable implements LocalAnswer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly upgraded?: Duplex;
  /** Called when there is room again. */
  onRoom = (): void => {};
  readonly #given: () => void;

  /** `given` is called when nobody wants the rest. */
  constructor(statusCode: number, headers: IncomingHttpHeaders, given: () => void, upgraded?: Duplex) {
    super();
    this.statusCode = statusCode;
    this.headers = headers;
    if (upgraded) this.upgraded = upgraded;
    this.#given = given;
    // Who waits for the whole of it hears of it; who has left does not care.
    this.on('error', () => {});
  }

  override _read(): void {
    this.onRoom();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#given();
    done(error);
  }
}

class LocalResponse extends Writable implements Outgoing {
  readonly #isBodiless: boolean;
  readonly #answer: (answer: LocalAnswer) => void;
  readonly #refuse: (error: Error) => void;
  readonly #headers: Record<string, string> = {};
  #status = 200;
  #hasHead = false;
  #body: LocalBody | undefined;

  constructor(method: string, answer: (answer: LocalAnswer) => void, refuse: (error: Error) => void) {
    super();
    this.#isBodiless = method === 'HEAD';
    this.#answer = answer;
    this.#refuse = refuse;
    this.on('error', () => {});
  }

  get headersSent(): boolean {
    return this.#hasHead;
  }

  get statusCode(): number {
    return this.#status;
  }

  setHeader(name: string, value: string | number | readonly string[]): void {
    this.#headers[name.toLowerCase()] = typeof value === 'object' ? value.join(', ') : String(value);
  }

  removeHeader(name: string): void {
    delete this.#headers[name.toLowerCase()];
  }

  writeHead(status: number, headers: OutgoingHttpHeaders = {}): this {
    if (this.#hasHead) throw new Error('the head of this answer was written before');
    this.#hasHead = true;
    this.#status = status;
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) this.setHeader(name, value);
    return this;
  }

  flushHeaders(): void {
    this.#begin();
  }

  /** The answer is a connection from here on. */
  turnOver(connection: Duplex, headers: OutgoingHttpHeaders): void {
    this.writeHead(101, headers);
    this.#begin(connection);
    this.end();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const body = this.#begin();
    if (this.#isBodiless || body.push(chunk)) done();
    else {
      body.onRoom = () => {
        body.onRoom = () => {};
        done();
      };
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#begin().push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const cut = error ?? Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    if (!this.#body) this.#refuse(cut);
    else if (!this.writableFinished) this.#body.destroy(cut);
    done(error);
  }

  #begin(connection?: Duplex): LocalBody {
    if (this.#body) return this.#body;
    this.#hasHead = true;
    this.#body = new LocalBody(this.#status, this.#headers, () => void this.destroy(), connection);
    this.#answer(this.#body);
    return this.#body;
  }
}
