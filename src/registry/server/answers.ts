/** What answers have in common: bodies, caching, pages, and requests that are refused before their body has come. */
import type { Incoming, Outgoing } from '#rpc';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errors } from './errors.ts';

/** Bodies up to this are read to the end before a refusal, so that the client sees it. */
const DRAINED_BYTES = 1024 * 1024;
const LINGER_MS = 2000;
const LARGEST_PAGE = 10_000;

export function sendJson(response: Outgoing, value: unknown, contentType = 'application/json'): void {
  sendBytes(response, Buffer.from(JSON.stringify(value)), contentType);
}

export function sendBytes(response: Outgoing, body: Buffer, contentType: string): void {
  response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': body.length });
  response.end(body);
}

export function sendNothing(
  response: Outgoing,
  status: 201 | 202 | 204 | 304,
  headers: Readonly<Record<string, string | string[]>> = {},
): void {
  response.writeHead(status, { ...headers, ...(status === 204 || status === 304 ? {} : { 'Content-Length': '0' }) });
  response.end();
}

/** A stream as the body, whose head is set already. A failure in its midst breaks the connection: it has to be seen. */
export async function sendStream(response: Outgoing, body: Readable): Promise<void> {
  await pipeline(body, response);
}

/** Whether the client has this already. The digest is the entity tag. */
export function isUnchanged(request: Incoming, digest: string): boolean {
  const tags = request.headers['if-none-match'];
  if (tags === undefined) return false;
  return tags.split(',').some((tag) => ['*', `"${digest}"`, digest].includes(tag.trim().replace(/^W\//, '')));
}

export interface Page {
  readonly items: readonly string[];
  /** The last item when there are more. */
  readonly last: string | undefined;
}

/**
 * A page of a sorted list: at most `n` items behind `last`. Throws `distribution.pageInvalid`.
 * spec: distribution-spec, Listing Tags.
 */
export function pageOf(all: readonly string[], query: URLSearchParams, usual: number | undefined): Page {
  const text = query.get('n');
  if (text !== null && !/^\d{1,9}$/.test(text)) throw errors.pageInvalid(text);
  const limit = Math.min(text === null ? (usual ?? LARGEST_PAGE) : Number(text), LARGEST_PAGE);
  const last = query.get('last');
  const from = last === null ? 0 : all.findIndex((item) => item > last);
  const items = from < 0 ? [] : all.slice(from, from + limit);
  const isCut = limit > 0 && from >= 0 && from + limit < all.length;
  return { items, last: isCut ? items.at(-1) : undefined };
}

/** The `Link` of the next page. */
export function nextLink(path: string, parameters: Readonly<Record<string, string>>): string {
  return `<${path}?${new URLSearchParams(parameters).toString()}>; rel="next"`;
}

/**
 * Before a refusal: takes what is left of a short body. Of a long one a moment's worth is thrown away after the answer,
 * since a connection that is closed on data takes the answer with it; then we stop listening to what nobody wants.
 */
export async function takeRest(request: Incoming, response: Outgoing): Promise<void> {
  if (request.complete || request.destroyed || response.headersSent) return;
  const length = Number(request.headers['content-length'] ?? (request.headers['transfer-encoding'] ? Infinity : 0));
  // Who waits for `100 Continue` sends nothing after a refusal.
  const waits = /100-continue/i.test(request.headers.expect ?? '');
  if (length === 0) return;
  if (waits) {
    response.setHeader('Connection', 'close');
    return;
  }
  if (length > DRAINED_BYTES) {
    response.once('finish', () => {
      const timer = setTimeout(() => request.destroy(), LINGER_MS);
      request.once('close', () => clearTimeout(timer)).resume();
    });
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  request.once('end', resolve).once('close', resolve).once('error', resolve);
  request.resume();
  await promise;
}
