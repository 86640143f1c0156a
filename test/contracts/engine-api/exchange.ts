/** One request to a daemon and its answer, held against the description of the operation. */
import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { collect } from '../../support/http.ts';
import { type Operation, operationOf, pathOf } from './description.ts';
import { type Habits, omissions } from './omissions.ts';
import { type Check, strictCheck } from './schema.ts';

export interface Wish {
  /** Values for the names in the path. */
  readonly params?: Readonly<Record<string, string>>;
  /** `name=web&platform=linux`. */
  readonly query?: string;
  readonly body?: unknown;
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
  /** `/v1.41`; without it the newest. */
  readonly version?: string;
  /** The one status that is right; without it any success. */
  readonly status?: number;
}

export interface Reply<T> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: Buffer;
  readonly value: T;
}

/** Asks, and remembers what was answered with success. */
export class Contract {
  readonly #socketPath: string;
  readonly #habits: Habits;
  readonly #checks = new Map<string, Check>();
  readonly succeeded = new Set<string>();
  readonly #taken: Duplex[] = [];

  constructor(socketPath: string, habits: Habits = omissions) {
    this.#socketPath = socketPath;
    this.#habits = habits;
  }

  /** Fails when status, type or body is not as the description has it. */
  async call<T = unknown>(id: string, wish: Wish = {}): Promise<Reply<T>> {
    const operation = operationOf(id);
    const response = await this.open(operation, wish);
    const bytes = await collect(response);
    return this.#verify<T>(operation, wish, response, bytes);
  }

  /** The same for an answer without an end: the head, and what comes until `take` has enough. */
  async follow(id: string, wish: Wish, take: (text: string) => boolean): Promise<string> {
    const operation = operationOf(id);
    const response = await this.open(operation, wish);
    assert.equal(response.statusCode, wish.status ?? 200, id);
    let text = '';
    for await (const chunk of response as AsyncIterable<Buffer>) {
      text += chunk.toString();
      if (take(text)) break;
    }
    response.destroy();
    this.succeeded.add(id);
    return text;
  }

  /** What is wrong with a value of this operation's answer, for bodies of many values. */
  problems(id: string, value: unknown, status = 200): readonly string[] {
    const operation = operationOf(id);
    const schema = operation.responses[status]?.schema;
    assert.ok(schema, `${id} has a schema for ${status}`);
    const key = `${id} ${status}`;
    let check = this.#checks.get(key);
    if (!check) {
      check = strictCheck(schema, schema.title ?? id, this.#habits);
      this.#checks.set(key, check);
    }
    return check(value);
  }

  /** Ends the connections that were taken over. */
  hangUp(): void {
    for (const socket of this.#taken.splice(0)) socket.destroy();
  }

  /** The answer's head; a connection that was taken over stays until `hangUp`. */
  open(operation: Operation, wish: Wish): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const text = wish.body === undefined ? '' : JSON.stringify(wish.body);
    const path = `${wish.version ?? ''}${pathOf(operation, wish.params)}${wish.query ? `?${wish.query}` : ''}`;
    const sent = request({
      socketPath: this.#socketPath,
      agent: false,
      method: operation.method,
      path,
      headers: {
        Host: 'docker',
        ...(wish.stream
          ? { 'Content-Type': 'application/x-tar' }
          : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
        ...wish.headers,
      },
    });
    sent.once('response', resolve);
    sent.once('upgrade', (response, socket) => {
      socket.on('error', () => {});
      this.#taken.push(socket);
      resolve(response);
    });
    sent.once('error', reject);
    if (wish.stream) wish.stream.pipe(sent);
    else sent.end(text);
    return promise;
  }

  #verify<T>(operation: Operation, wish: Wish, response: IncomingMessage, bytes: Buffer): Reply<T> {
    const { id, responses } = operation;
    const status = response.statusCode ?? 0;
    const text = bytes.toString('utf8');
    const about = `${operation.method} ${operation.path}${wish.query ? `?${wish.query}` : ''}: ${status} ${text.slice(0, 500)}`;
    if (wish.status === undefined) assert.ok(status < 300 || status === 304, about);
    else assert.equal(status, wish.status, about);
    assert.ok(status >= 400 || responses[status], `${id} answers ${status}, which is not described: ${about}`);
    for (const name of Object.keys(responses[status]?.headers ?? {})) {
      assert.ok(response.headers[name.toLowerCase()] !== undefined, `${id} lacks the header ${name}`);
    }
    const type = response.headers['content-type'] ?? '';
    if (status >= 400) {
      assert.match(type, /^application\/json/, about);
      const value = JSON.parse(text) as { message?: unknown };
      assert.deepEqual(Object.keys(value), ['message'], about);
      assert.ok(typeof value.message === 'string' && value.message !== '', about);
      return { status, headers: response.headers, text, bytes, value: value as T };
    }
    this.succeeded.add(id);
    const schema = responses[status]?.schema;
    if (status === 204 || status === 304 || operation.method === 'HEAD') assert.equal(text, '', about);
    const isJson = type.startsWith('application/json');
    // Events are many values.
    const isOne = isJson && schema !== undefined && text !== '' && id !== 'SystemEvents';
    const value = (isOne ? JSON.parse(text) : text) as T;
    if (schema && schema.type !== 'string' && operation.method !== 'HEAD' && id !== 'SystemEvents') {
      assert.ok(isJson, `${id} answers JSON, not ${type}`);
      assert.deepEqual(this.problems(id, value, status), [], `${id}: the answer is not as described`);
    }
    return { status, headers: response.headers, text, bytes, value };
  }
}
