/**
 * What names of images stand for beyond one image: an index with images for other platforms, and with what was attested of
 * them; or a manifest with annotations.
 *
 * The story. A build or an archive brings an index. One image of it, this host's if there is one, becomes a record like any
 * other; the record notes for which of its names the index is meant (`ImageRecord.roots`), and that keeps the index with all
 * it names. So a push of the name is of the whole. An image for another platform becomes a record without a name when
 * somebody asks for it, unpacked from the blobs that are here; it is not shown, and goes with the last root that has it.
 */
import { randomUUID } from 'node:crypto';
import type { Digest } from '#base';
import {
  type Descriptor,
  formatPlatform,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  parseManifest,
  type Platform,
  selectPlatform,
} from '#specs';
import { adopt, describe, readImage } from './adopt.ts';
import type { ContentStore } from './content/content-store.ts';
import { errors } from './errors.ts';
import { findImage, withTag } from './find.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import type { ImageMember } from './images.ts';
import { layerKey } from './layers/layer-store.ts';
import { manifestBytes } from './usage.ts';

/** An index in an index in an index is no image any more. */
const MAX_DEPTH = 4;

/** What a reference to this image stands for; undefined: the image alone. An id stands for what any of its names does. */
export function rootOf({ tags, roots = [] }: ImageRecord, reference: string): Descriptor | undefined {
  if (roots.length === 0) return undefined;
  if (/^sha256:|^[0-9a-f]{64}$/.test(reference)) {
    return (roots.find(({ root }) => root.digest.endsWith(reference)) ?? roots[0])?.root;
  }
  const name = withTag(reference);
  const own = roots.find(({ tag, root }) => tag === name || name.endsWith(`@${root.digest}`));
  // compat: what looks like the beginning of an id may be a name too.
  return (own ?? (tags.includes(name) || !/^[0-9a-f]+$/.test(reference) ? undefined : roots[0]))?.root;
}

/** Whether a blob and all it refers to is here, as far as records tell. */
export function isWhole(content: Pick<ContentStore, 'stat'>, digest: Digest, depth = 0): boolean {
  const blob = content.stat(digest);
  return blob !== undefined && blob.references.every((each) => depth <= MAX_DEPTH && isWhole(content, each, depth + 1));
}

/** The manifests of an index, those of indexes in it included, in their order; a manifest is its own. */
export async function entriesOf(
  content: Pick<ContentStore, 'read'>,
  root: Descriptor,
  depth = 0,
): Promise<Descriptor[]> {
  if (!isIndexType(root.mediaType) || depth > MAX_DEPTH) return [root];
  const document = parseManifest(await content.read(root.digest, MAX_MANIFEST_BYTES), root.mediaType);
  if (document.kind !== 'index') return [root];
  const all: Descriptor[] = [];
  for (const entry of document.manifests) all.push(...(await entriesOf(content, entry, depth + 1)));
  return all;
}

/** compat: BuildKit's annotation: the manifest something was attested of. */
export function attestedBy({ annotations = {} }: Descriptor): Digest | undefined {
  if (annotations['vnd.docker.reference.type'] !== 'attestation-manifest') return undefined;
  return annotations['vnd.docker.reference.digest'] as Digest | undefined;
}

/** Digests of manifests in any root of these images: a nameless image of one of them belongs to it. */
export function rootedManifests(
  { content }: Pick<ImageParts, 'content'>,
  images: Iterable<ImageRecord>,
): ReadonlySet<Digest> {
  const found = new Set<Digest>();
  const visit = (digest: Digest, depth: number): void => {
    if (found.has(digest) || depth > MAX_DEPTH) return;
    const references = content.stat(digest)?.references ?? [];
    // What refers to nothing is a layer or a config.
    if (references.length === 0) return;
    found.add(digest);
    for (const each of references) visit(each, depth + 1);
  };
  for (const { roots = [] } of images) for (const { root } of roots) visit(root.digest, 0);
  return found;
}

/** Whether it has no name, and is of such a root of another image. */
export function isRooted(image: ImageRecord, rooted: ReadonlySet<Digest>): boolean {
  const { tags, repoDigests, roots, manifests } = image;
  return tags.length + repoDigests.length === 0 && !roots && manifests.some(({ digest }) => rooted.has(digest));
}

/**
 * The image for a platform: the one the reference stands for, or another of its index, which is unpacked and recorded when
 * it was not yet. Throws `image.noSuch`, `image.otherPlatform`, and what unpacking throws.
 */
export async function imageForPlatform(parts: ImageParts, reference: string, wanted: Platform): Promise<ImageRecord> {
  const { image, entry } = await chosen(parts, reference, wanted);
  if (!entry) return image;
  using lease = parts.content.lease(`platform ${randomUUID()}`, { isTransient: true });
  lease.hold(entry.digest);
  // Awaited here: the lease ends with this function.
  return await adopt(parts, { manifest: entry, lease });
}

/**
 * The same to look at: nothing is unpacked or recorded for it. Its names are those of what the reference stands for; layers
 * that were never unpacked have the sizes of their blobs.
 */
export async function lookAtPlatform(parts: ImageParts, reference: string, wanted: Platform): Promise<ImageRecord> {
  const { image, entry } = await chosen(parts, reference, wanted);
  if (!entry) return image;
  const { tags, repoDigests } = image;
  const { manifest, config } = await readImage(parts, entry);
  const id = manifest.config.digest;
  const known = parts.index.get(id);
  if (known) return { ...known, tags, repoDigests };
  const layers = config.diffIds.map((diffId, at) => ({
    diffId,
    key: layerKey(diffId),
    sizeBytes: manifest.layers[at]!.size,
  }));
  return { ...describe(id, config, layers), tags, repoDigests, manifests: [entry] };
}

/** `entry`: of the index, where the image for that platform is not the reference's own. */
async function chosen(
  parts: ImageParts,
  reference: string,
  wanted: Platform,
): Promise<{ readonly image: ImageRecord; readonly entry?: Descriptor }> {
  const image = await findImage(parts, reference);
  const entry = await entryFor(parts, image, reference, wanted);
  if (entry && parts.content.stat(entry.digest)?.references[0] !== image.id) return { image, entry };
  if (entry || selectPlatform([image], wanted)) return { image };
  throw errors.otherPlatform(reference, formatPlatform(wanted), formatPlatform(image.platform));
}

/** The manifest for a platform in what the reference stands for; undefined where there is none. */
export async function entryFor(
  { content }: Pick<ImageParts, 'content'>,
  image: ImageRecord,
  reference: string,
  wanted: Platform,
): Promise<Descriptor | undefined> {
  const root = rootOf(image, reference);
  if (!root) return undefined;
  if (!isIndexType(root.mediaType)) return selectPlatform([image], wanted) && root;
  const entries = await entriesOf(content, root);
  return selectPlatform(
    entries.filter((each) => attestedBy(each) === undefined),
    wanted,
  );
}

/** What the names of an image stand for, each manifest once; without a root its own manifests. */
export async function membersOf(parts: ImageParts, image: ImageRecord): Promise<ImageMember[]> {
  const { index } = parts;
  if (!image.roots) {
    return image.manifests.map((descriptor) => member(parts, descriptor, { image, platform: image.platform }));
  }
  const entries = new Map<Digest, Descriptor>();
  for (const { root } of image.roots) {
    for (const entry of await entriesOf(parts.content, root)) entries.set(entry.digest, entry);
  }
  return [...entries.values()].map((descriptor) => {
    const about = attestedBy(descriptor);
    if (about !== undefined) return { ...member(parts, descriptor, {}), kind: 'attestation', about };
    const found = index.get(parts.content.stat(descriptor.digest)?.references[0] ?? '');
    const platform = descriptor.platform ?? found?.platform;
    return member(parts, descriptor, { image: found, platform });
  });
}

interface KnownOf {
  readonly image?: ImageRecord | undefined;
  readonly platform?: Platform | undefined;
}

function member(parts: ImageParts, descriptor: Descriptor, { image, platform }: KnownOf): ImageMember {
  const isImage = isManifestType(descriptor.mediaType) && platform !== undefined && platform.os !== 'unknown';
  const contentBytes = manifestBytes(parts, descriptor.digest);
  return {
    kind: isImage ? 'image' : 'unknown',
    descriptor,
    ...(contentBytes === undefined ? {} : { contentBytes }),
    ...(platform ? { platform } : {}),
    ...(image ? { image } : {}),
  };
}
