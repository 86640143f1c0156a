/** What registries know, asked through the daemon: `GET /distribution/NAME/json` and `GET /images/search`. */
import type { EngineParts } from '#engine';
import { decodeAuthHeader, parseReference, type AuthConfig, type SearchResult } from '#registry';
import type { RequestContext, Route } from '#rpc';
import { platformJson } from '#specs';
import { errors } from '../errors.ts';
import { sendJson } from '../http-status.ts';
import { type Filters, filters, integer } from '../query.ts';

type Parts = Pick<EngineParts, 'registry'>;

export function registryRoutes(parts: Parts): Route[] {
  return [
    { method: 'GET', path: '/distribution/{name...}/json', handle: (context) => inspect(parts, context) },
    { method: 'GET', path: '/images/search', handle: (context) => search(parts, context) },
  ];
}

async function inspect(parts: Parts, context: RequestContext): Promise<void> {
  const reference = parseReference(context.params['name']!);
  const options = { auth: authOf(context), signal: context.signal };
  const { descriptor, platforms } = await parts.registry.inspect(reference, options);
  sendJson(context.response, 200, {
    Descriptor: { mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size },
    Platforms: platforms.length === 0 ? null : platforms.map(platformJson),
  });
}

async function search(parts: Parts, context: RequestContext): Promise<void> {
  const { query, response, signal } = context;
  const matches = matcher(filters(query, ['is-automated', 'is-official', 'stars']));
  const term = query.get('term') ?? '';
  const found = await parts.registry.search(term, integer(query, 'limit') ?? 0, { auth: authOf(context), signal });
  sendJson(
    response,
    200,
    found.filter(matches).map((each) => ({
      star_count: each.starCount,
      is_official: each.isOfficial,
      name: each.name,
      is_automated: false,
      description: each.description,
    })),
  );
}

/** compat: automated builds are no more, so a search for them finds nothing. Throws `api.invalid`. */
function matcher(wanted: Filters): (result: SearchResult) => boolean {
  const official = flag(wanted, 'is-official');
  const automated = flag(wanted, 'is-automated');
  const stars = (wanted.get('stars') ?? []).map((text) => {
    if (!/^\d{1,9}$/.test(text)) throw errors.invalid(`invalid filter 'stars=${text}'`);
    return Number(text);
  });
  return ({ isOfficial, starCount }) =>
    automated !== true &&
    (official === undefined || isOfficial === official) &&
    stars.every((least) => starCount >= least);
}

function flag(wanted: Filters, name: string): boolean | undefined {
  const values = wanted.get(name);
  if (!values || values.length === 0) return undefined;
  const [value] = values;
  if (values.length === 1 && (value === 'true' || value === '1')) return true;
  if (values.length === 1 && (value === 'false' || value === '0')) return false;
  throw errors.invalid(`invalid filter '${name}=[${values.join(' ')}]'`);
}

function authOf({ request }: RequestContext): AuthConfig {
  return decodeAuthHeader([request.headers['x-registry-auth'] ?? ''].flat()[0]);
}
