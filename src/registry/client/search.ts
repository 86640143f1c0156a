/** Search by words: Docker Hub's old API, which some registries have too. compat: dockerd's registry.Search. */
import { messageOf } from '#base';
import { Fields, parseDocument } from '#specs';
import { errors, RegistryRefusal } from '../errors.ts';
import { isAnonymous } from './auth-config.ts';
import { type CallOptions, HUB_HOST, type RegistryConfig } from './config.ts';
import { type Connections, type HttpAnswer, readSmall } from './connections.ts';
import { endpointsFor } from './endpoints.ts';
import { requestName } from './failures.ts';
import { followRedirects } from './redirects.ts';
import type { SearchResult } from './registry-client.ts';
import { refusalOf } from './refusals.ts';
import { basicHeader } from './tokens.ts';

const DEFAULT_LIMIT = 25;
const MAX_BYTES = 4 * 1024 * 1024;

/** Throws `registry.badLimit`, `registry.searchFailed`, `registry.badAnswer`, and as `Connections.send`. */
export async function searchImages(
  connections: Connections,
  config: RegistryConfig,
  term: string,
  limit: number,
  options: CallOptions,
): Promise<SearchResult[]> {
  const count = limit === 0 ? DEFAULT_LIMIT : limit;
  if (count < 1 || count > 100) throw errors.badLimit(limit);
  const { host, words } = splitTerm(term);
  const bases = host === HUB_HOST ? ['https://index.docker.io'] : endpointsFor(host, 'push', config)[0]!.bases;
  const query = `q=${encodeURIComponent(words)}&n=${count}`;
  const answer = await firstAnswer(connections, bases, `/v1/search?${query}`, options);
  const body = await readSmall(answer, MAX_BYTES, connections.stallMs, options.signal);
  if (answer.status === 401 || answer.status === 429) {
    throw refusalOf({ ...answer, body: body.toString('utf8') }, Date.now());
  }
  if (answer.status !== 200) throw errors.searchFailed(answer.status);
  return parseResults(body, requestName('GET', answer.url));
}

async function firstAnswer(
  connections: Connections,
  bases: readonly string[],
  path: string,
  { auth, signal }: CallOptions,
): Promise<HttpAnswer> {
  const hasPassword = !isAnonymous(auth) && auth?.username;
  const headers = { 'X-Docker-Token': 'true', ...(hasPassword ? { Authorization: basicHeader(auth) } : {}) };
  for (const [index, base] of bases.entries()) {
    try {
      return await followRedirects(connections, { method: 'GET', url: new URL(base + path), headers, signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (index === bases.length - 1 || error instanceof RegistryRefusal) throw error;
    }
  }
  throw new Error('an endpoint has at least one base');
}

/** compat: what looks like a host in front of a slash is one; `library/` is left out for Docker Hub. */
export function splitTerm(term: string): { host: string; words: string } {
  const slash = term.indexOf('/');
  const first = slash < 0 ? '' : term.slice(0, slash);
  if (!/[.:]/.test(first) && first !== 'localhost') return { host: HUB_HOST, words: term.replace(/^library\//, '') };
  const words = term.slice(slash + 1);
  if (['docker.io', 'index.docker.io'].includes(first))
    return { host: HUB_HOST, words: words.replace(/^library\//, '') };
  return { host: first, words };
}

/** Throws `registry.badAnswer`. */
export function parseResults(body: Uint8Array, name: string): SearchResult[] {
  try {
    const list = new Fields(parseDocument(body, 'the answer'), 'the answer', '').objects('results') ?? [];
    return list.map((each) => ({
      name: each.text('name') ?? '',
      description: each.text('description') ?? '',
      starCount: each.size('star_count') ?? 0,
      isOfficial: each.bool('is_official') ?? false,
      isAutomated: each.bool('is_automated') ?? false,
    }));
  } catch (error) {
    throw errors.badAnswer(name, messageOf(error));
  }
}
