/** A request and its answer, whatever they came by: what handlers see of Node's HTTP, or of a call within this process. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Readable, Writable } from 'node:stream';

/** Its body is what it streams. */
export interface Incoming extends Readable {
  readonly method?: string | undefined;
  /** The target: path and query. */
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Each header's values one by one. */
  readonly headersDistinct: NodeJS.Dict<string[]>;
  /** Whether its body has come to its end. */
  readonly complete?: boolean;
  /** What it came by; nothing within this process. */
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
}

/** Its body is what is written; the head goes out before. */
export interface Outgoing extends Writable {
  readonly headersSent: boolean;
  readonly statusCode: number;
  setHeader(name: string, value: string | number | readonly string[]): unknown;
  removeHeader(name: string): void;
  /** Said once. Goes out with the first of the body, or its end. */
  writeHead(status: number, headers?: OutgoingHttpHeaders): Outgoing;
  flushHeaders(): void;
}
