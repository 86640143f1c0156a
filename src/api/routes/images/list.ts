/** GET /images/json: the list of images. */
import { parseTimeNs } from '#base';
import { type EngineParts, hasLabel } from '#engine';
import { type ImageRecord, withTag } from '#images';
import { parseReference, repositoryOf } from '#registry';
import type { RequestContext } from '#rpc';
import type { ImageSummary } from '#specs';
import { errors } from '../../errors.ts';
import { sendJson } from '../../http-status.ts';
import { boolean, type Filters, filters } from '../../query.ts';
import { untilTime } from '../../until.ts';
import { minorVersion } from '../../version.ts';
import { manifestsOf, wantsIdentity } from './manifests.ts';

export async function listImages(parts: EngineParts, { query, url, response }: RequestContext): Promise<void> {
  const identity = wantsIdentity(query);
  const wanted = filters(query, ['before', 'dangling', 'label', 'reference', 'since', 'until']);
  const minor = minorVersion(url);
  // compat: `filter=name` of API versions before 1.41.
  const oldName = minor < 41 ? query.get('filter') : null;
  const names = [...(wanted.get('reference') ?? []), ...(oldName ? [oldName] : [])];
  const matching = (await selectImages(parts, wanted)).flatMap((image) => withNames(image, names));
  const children = new Set(parts.images.list().flatMap(({ parent }) => parent ?? []));
  const isOfIndex = parts.images.isOfIndex();
  const isShown = (image: ImageRecord): boolean =>
    boolean(query, 'all') ||
    image.tags.length > 0 ||
    image.repoDigests.length > 0 ||
    !(children.has(image.id) || isOfIndex(image));
  const shared = boolean(query, 'shared-size')
    ? new Map(parts.images.usage().images.map(({ image, sharedBytes }) => [image.id as string, sharedBytes]))
    : undefined;
  const users = usersOf(parts);
  const rows: ImageSummary[] = [];
  for (const image of matching.filter(isShown)) {
    rows.push({
      ...summarizeImage(image, {
        shared: shared?.get(image.id) ?? -1,
        // compat: counted here since 1.51.
        containers: minor < 51 ? -1 : (users.get(image.id) ?? 0),
        minorVersion: minor,
      }),
      ...(boolean(query, 'manifests') ? { Manifests: await manifestsOf(parts, image, { identity }) } : {}),
    });
  }
  sendJson(
    response,
    200,
    rows.sort((a, b) => b.Created - a.Created),
  );
}

/** Images that all filters but `reference` let through; what `list` and `prune` have in common. */
export async function selectImages(parts: EngineParts, wanted: Filters): Promise<ImageRecord[]> {
  const before = await newest(parts, wanted, 'before');
  const since = await newest(parts, wanted, 'since');
  const until = untilTime(wanted);
  const dangling = wanted.get('dangling')?.map(flag);
  return parts.images.list().filter((image) => {
    const created = createdNs(image);
    return (
      (wanted.get('label') ?? []).every((wish) => hasLabel(image.config.labels, wish)) &&
      (wanted.get('label!') ?? []).every((wish) => !hasLabel(image.config.labels, wish)) &&
      (dangling === undefined || dangling.includes(image.tags.length === 0)) &&
      (before === undefined || created < before) &&
      (since === undefined || created > since) &&
      (until === undefined || created < until)
    );
  });
}

/** compat: Go's booleans. Throws `api.invalid`. */
export function flag(value: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false;
  throw errors.invalid(`invalid filter 'dangling=[${value}]'`);
}

async function newest(parts: EngineParts, wanted: Filters, key: string): Promise<bigint | undefined> {
  const [reference] = wanted.get(key) ?? [];
  if (reference === undefined) return undefined;
  const image = await parts.images.find(reference);
  if (!image) throw errors.noSuchImage(withTag(reference));
  return createdNs(image);
}

/** The image with only the names that match a pattern; nothing when none does. */
function withNames(image: ImageRecord, patterns: readonly string[]): ImageRecord[] {
  if (patterns.length === 0) return [image];
  const fits = (name: string): boolean => patterns.some((pattern) => matchesPattern(name, pattern));
  const tags = image.tags.filter(fits);
  const repoDigests = image.repoDigests.filter(
    (name) => fits(name) || tags.some((tag) => name.startsWith(`${repositoryOf(tag)}@`)),
  );
  return tags.length + repoDigests.length === 0 ? [] : [{ ...image, tags, repoDigests }];
}

/** compat: Go's path.Match on the familiar name, with or without its tag. */
function matchesPattern(name: string, pattern: string): boolean {
  const { name: repository } = parseReference(name);
  const glob = pattern
    .replace(/[.+^${}()|]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  let expression: RegExp;
  try {
    expression = new RegExp(`^${glob}$`);
  } catch {
    throw errors.invalid('syntax error in pattern');
  }
  return expression.test(name) || expression.test(repository);
}

function createdNs({ createdAt }: ImageRecord): bigint {
  return parseTimeNs(createdAt) ?? 0n;
}

/** How many containers each image has that has any. */
export function usersOf({ containers }: Pick<EngineParts, 'containers'>): ReadonlyMap<string, number> {
  const users = new Map<string, number>();
  for (const { imageId } of containers.list()) users.set(imageId, (users.get(imageId) ?? 0) + 1);
  return users;
}

interface SummaryOptions {
  /** Bytes of layers other images have too, -1 where nobody asked. */
  readonly shared: number;
  /** How many use it, -1 where nobody asked. */
  readonly containers: number;
  readonly minorVersion: number;
}

export function summarizeImage(
  image: ImageRecord,
  { shared, containers, minorVersion: minor }: SummaryOptions,
): ImageSummary {
  const isNameless = image.tags.length + image.repoDigests.length === 0;
  // compat: before 1.43 an image without a name had one that says so, and before 1.44 sizes were told twice.
  const useNone = isNameless && minor < 43;
  const listOrNull = (names: readonly string[]) => (names.length === 0 && minor < 43 ? null : names);
  return {
    Id: image.id,
    ParentId: image.parent ?? '',
    RepoTags: useNone ? ['<none>:<none>'] : listOrNull(image.tags),
    RepoDigests: useNone ? ['<none>@<none>'] : listOrNull(image.repoDigests),
    Created: Number(createdNs(image) / 1_000_000_000n),
    Size: image.sizeBytes,
    SharedSize: shared,
    ...(minor < 44 ? { VirtualSize: image.sizeBytes } : {}),
    Labels: Object.keys(image.config.labels).length === 0 ? null : image.config.labels,
    Containers: containers,
  };
}
