/** What a registry holds: tags, repositories, and what refers to a manifest. All of it comes in pages. */
import { type Digest, digestParts, messageOf } from '#base';
import { type Descriptor, Fields, mediaTypes, parseDocument, parseManifest } from '#specs';
import { errors, RegistryRefusal } from '../errors.ts';
import { readSmall } from './connections.ts';
import { requestName } from './failures.ts';
import { parseNextLink } from './headers.ts';
import { fetchManifest } from './manifests.ts';
import { redirectTarget } from './redirects.ts';
import type { Repository } from './repository.ts';

const PAGE = 1000;
const MAX_PAGE_BYTES = 16 * 1024 * 1024;
/** A registry that never comes to an end is not read to it. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;

export async function listTags(repository: Repository): Promise<string[]> {
  const tags: string[] = [];
  for await (const page of pages(repository, repository.path(`tags/list?n=${PAGE}`))) {
    tags.push(...readNames(page.body, 'tags', page.name));
  }
  return tags;
}

export async function listRepositories(repository: Repository): Promise<string[]> {
  const names: string[] = [];
  for await (const page of pages(repository, `/v2/_catalog?n=${PAGE}`)) {
    names.push(...readNames(page.body, 'repositories', page.name));
  }
  return names;
}

/** By the API, or by the tag that clients keep where there is none. spec: Listing Referrers. */
export async function listReferrers(
  repository: Repository,
  digest: Digest,
  artifactType: string | undefined,
): Promise<Descriptor[]> {
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const found: Descriptor[] = [];
  try {
    for await (const { body } of pages(repository, repository.path(`referrers/${digest}${query}`))) {
      const index = parseManifest(body, mediaTypes.ociIndex);
      if (index.kind === 'index') found.push(...index.manifests);
    }
  } catch (error) {
    if (!(error instanceof RegistryRefusal) || error.status !== 404) throw error;
    found.push(...(await referrersOfTag(repository, digest)));
  }
  // A registry need not filter, and says whether it did; filtering twice gives the same.
  return artifactType === undefined ? found : found.filter((each) => each.artifactType === artifactType);
}

/** The manifests under the tag of the fallback; none when there is no such tag. */
export async function referrersOfTag(repository: Repository, digest: Digest): Promise<readonly Descriptor[]> {
  try {
    const { manifest } = await fetchManifest(repository, { tag: referrersTag(digest), digest: undefined });
    return manifest.kind === 'index' ? manifest.manifests : [];
  } catch (error) {
    if (error instanceof RegistryRefusal && error.status === 404) return [];
    throw error;
  }
}

/** spec: the algorithm's first 32 characters, `-`, the digest's first 64. */
export function referrersTag(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest);
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`;
}

async function* pages(repository: Repository, first: string): AsyncGenerator<{ body: Buffer; name: string }> {
  let path: string | URL | undefined = first;
  const seen = new Set<string>();
  for (let total = 0; path !== undefined; ) {
    const answer = await repository.send({ method: 'GET', path });
    const name = requestName('GET', answer.url);
    const body = await readSmall(answer, MAX_PAGE_BYTES, repository.stallMs, repository.signal);
    total += body.length;
    if (total > MAX_TOTAL_BYTES) throw errors.tooLarge(name, MAX_TOTAL_BYTES);
    yield { body, name };
    const link = parseNextLink([answer.headers.link ?? ''].flat().join(', '));
    if (link === undefined) return;
    const next: URL = redirectTarget(answer.url, link);
    if (seen.has(next.href)) throw errors.badAnswer(name, `its next page is one that was read already: ${link}`);
    seen.add(next.href);
    path = next;
  }
}

/** compat: registries write `null` for an empty list. */
function readNames(body: Buffer, key: string, name: string): readonly string[] {
  try {
    return new Fields(parseDocument(body, 'the list'), 'the list', '').texts(key) ?? [];
  } catch (error) {
    throw errors.badAnswer(name, messageOf(error));
  }
}
