/** Redirects: to storage mostly. Credentials stay with the host they are for, and encryption is not given up. */
import { errors } from '../errors.ts';
import { type Connections, discard, type HttpAnswer, type HttpRequest } from './connections.ts';

/** compat: as many as Go's client follows. */
const MOST = 10;

/**
 * The first answer that is no redirect. An answer without a `Location` is one like any other.
 * Throws `registry.tooManyRedirects`, `registry.badRedirect`, and as `Connections.send`.
 */
export async function followRedirects(connections: Connections, first: HttpRequest): Promise<HttpAnswer> {
  let request = first;
  for (let turn = 0; turn <= MOST; turn += 1) {
    const answer = await connections.send(request);
    const next = nextRequest(request, answer);
    if (!next) return answer;
    discard(answer);
    request = next;
  }
  throw errors.tooManyRedirects(`${first.url.origin}${first.url.pathname}`);
}

function nextRequest(request: HttpRequest, { status, headers, url }: HttpAnswer): HttpRequest | undefined {
  const { location } = headers;
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  const target = redirectTarget(url, location);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  // What changes something is only repeated elsewhere where the status says so.
  if (!isRead && status !== 307 && status !== 308) return undefined;
  return { ...request, url: target, headers: headersFor(target, request) };
}

/** Where a redirect leads. Throws `registry.badRedirect` for what is no web URL, and from HTTPS to HTTP. */
export function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from)) throw errors.badRedirect(from.origin, location, 'that is no URL');
  const target = new URL(location, from);
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw errors.badRedirect(from.origin, target.protocol, 'only https and http are followed');
  }
  if (from.protocol === 'https:' && target.protocol === 'http:') {
    throw errors.badRedirect(from.origin, target.origin, 'from an encrypted connection to one that is not');
  }
  return target;
}

function headersFor(target: URL, { url, headers = {} }: HttpRequest): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name]) => target.origin === url.origin || name.toLowerCase() !== 'authorization',
  );
  return Object.fromEntries(kept);
}
