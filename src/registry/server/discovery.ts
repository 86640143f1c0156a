/** What there is: tags, repositories, and what refers to a manifest. spec: distribution-spec, Content Discovery. */
import type { Digest } from '#base';
import type { RequestContext } from '#rpc';
import { MAX_MANIFEST_BYTES, mediaTypes, parseManifest } from '#specs';
import { nextLink, pageOf, sendJson } from './answers.ts';
import { errors } from './errors.ts';
import { addressOf, type RegistryParts } from './parts.ts';
import type { ManifestRecord } from './repositories.ts';

/** compat: distribution's page of the catalog. */
const CATALOG_PAGE = 100;
const REFERRERS_PAGE = 200;
/** spec: clients need not read longer indexes. Annotations can be as long as a manifest. */
const REFERRERS_BYTES = 3 * 1024 * 1024;

export function listTags(parts: RegistryParts, context: RequestContext, name: string): void {
  const { repositories } = parts;
  if (!repositories.has(name)) throw errors.nameUnknown(name);
  const { items, last } = pageOf(repositories.tags(name), context.query, undefined);
  linkNext(parts, context, `/v2/${name}/tags/list`, last, items.length);
  sendJson(context.response, { name, tags: items });
}

/** compat: distribution's; the specification has none. */
export function listRepositories(parts: RegistryParts, context: RequestContext): void {
  const { items, last } = pageOf(parts.repositories.names(), context.query, CATALOG_PAGE);
  linkNext(parts, context, '/v2/_catalog', last, items.length);
  sendJson(context.response, { repositories: items });
}

/** An index of descriptors, empty where nothing refers to it. */
export async function listReferrers(
  parts: RegistryParts,
  context: RequestContext,
  name: string,
  subject: Digest,
): Promise<void> {
  const { query, response } = context;
  const wanted = query.get('artifactType') ?? '';
  const last = query.get('last') ?? '';
  const all = parts.repositories
    .referrers(name, subject)
    .filter(({ digest, artifactType }) => digest > last && (wanted === '' || artifactType === wanted));
  const manifests: object[] = [];
  let bytes = 0;
  for (const record of all.slice(0, REFERRERS_PAGE)) {
    const descriptor = await descriptorOf(parts, record);
    const length = Buffer.byteLength(JSON.stringify(descriptor));
    if (manifests.length > 0 && bytes + length > REFERRERS_BYTES) break;
    bytes += length;
    manifests.push(descriptor);
  }
  if (manifests.length < all.length) {
    const parameters = { ...(wanted === '' ? {} : { artifactType: wanted }), last: all[manifests.length - 1]!.digest };
    response.setHeader('Link', nextLink(addressOf(parts, context, `/v2/${name}/referrers/${subject}`), parameters));
  }
  if (wanted !== '') response.setHeader('OCI-Filters-Applied', 'artifactType');
  sendJson(response, { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }, mediaTypes.ociIndex);
}

/** Annotations are read from the document: they are too long to be kept in memory. */
async function descriptorOf({ content }: RegistryParts, record: ManifestRecord): Promise<object> {
  const { digest, mediaType, sizeBytes, artifactType } = record;
  const { annotations } = parseManifest(await content.read(digest, MAX_MANIFEST_BYTES), mediaType);
  return {
    mediaType,
    digest,
    size: sizeBytes,
    ...(annotations ? { annotations } : {}),
    ...(artifactType === '' ? {} : { artifactType }),
  };
}

function linkNext(
  parts: RegistryParts,
  context: RequestContext,
  path: string,
  last: string | undefined,
  n: number,
): void {
  if (last === undefined) return;
  const address = addressOf(parts, context, path);
  context.response.setHeader('Link', nextLink(address, { n: context.query.get('n') ?? String(n), last }));
}
