/** `push`: an image to a registry, with the bytes it came with where it came compressed. */
import { randomUUID } from 'node:crypto';
import type { Digest } from '#base';
import { type PushProgress, parseReference, type Reference } from '#registry';
import {
  type Descriptor,
  formatPlatform,
  isConfigType,
  MAX_MANIFEST_BYTES,
  parseImageConfig,
  parseManifest,
  selectPlatform,
} from '#specs';
import { compressedManifest } from './compress-layers.ts';
import type { Lease } from './content/content-store.ts';
import { errors } from './errors.ts';
import { type ImageParts, STORE } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import { attestedBy, entriesOf, entryFor, isRooted, rootedManifests, rootOf } from './image-roots.ts';
import type { LayerProgress, PushOptions } from './images.ts';

/** Throws `image.noSuch`-like refusals in Docker's words, `registry.*`. */
export async function pushImages(parts: ImageParts, text: string, options: PushOptions): Promise<void> {
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw errors.pushDigest();
  options.onStatus?.(`The push refers to repository [${fullName(reference)}]`);
  const tags = tagsToPush(parts, reference, options);
  const pushed: ImageRecord[] = [];
  for (const tag of tags) pushed.push(await pushOne(parts, { ...reference, tag }, options));
  // compat: one event, however many tags went.
  const id = options.allTags === true ? reference.name : `${reference.name}:${tags[0]}`;
  parts.announce({ action: 'push', id, attributes: { ...pushed[0]?.config.labels, name: reference.name } });
}

function tagsToPush({ index }: ImageParts, { name, tag }: Reference, { allTags }: PushOptions): string[] {
  const tags = index.list().flatMap((image) => image.tags.filter((each) => each.startsWith(`${name}:`)));
  if (allTags !== true) {
    const wanted = tag ?? 'latest';
    if (index.named(`${name}:${wanted}`)) return [wanted];
    throw tags.length === 0 ? errors.noLocalRepository(name) : errors.noLocalTag(name, wanted);
  }
  if (tags.length === 0) throw errors.noLocalRepository(name);
  return tags.map((each) => each.slice(name.length + 1)).sort();
}

async function pushOne(parts: ImageParts, reference: Reference, options: PushOptions): Promise<ImageRecord> {
  const { signal, onProgress } = options;
  const image = parts.index.named(`${reference.name}:${reference.tag}`);
  if (!image) throw errors.noLocalTag(reference.name, reference.tag!);
  using lease = parts.content.lease(`push ${randomUUID()}`, { isTransient: true });
  const root = await rootToPush(parts, image, `${reference.name}:${reference.tag}`, lease, options);
  const names = await diffIds(parts, root);
  const { descriptor } = await parts.registry.push(reference, root, parts.content, {
    auth: options.credentials,
    ...(signal ? { signal } : {}),
    mountCandidates: (digest) => mountCandidates(parts, reference, digest),
    onProgress: (progress) => onProgress?.(inDockersWords(progress, names)),
  });
  await remember(parts, image.id, `${reference.name}@${descriptor.digest}`);
  options.onStatus?.(`${reference.tag}: digest: ${descriptor.digest} size: ${descriptor.size}`);
  options.onPushed?.({ tag: reference.tag!, digest: descriptor.digest, sizeBytes: descriptor.size });
  return image;
}

/** compat: the index a name stands for goes as a whole, unless one platform of it was asked for. */
async function rootToPush(
  parts: ImageParts,
  image: ImageRecord,
  name: string,
  lease: Lease,
  { platform, signal }: PushOptions,
): Promise<Descriptor> {
  const own = platform ? await entryFor(parts, image, name, platform) : rootOf(image, name);
  if (own) {
    lease.hold(own.digest);
    const { mediaType, digest, size } = own;
    return { mediaType, digest, size };
  }
  if (platform && !selectPlatform([image], platform)) {
    throw errors.otherPlatform(name, formatPlatform(platform), formatPlatform(image.platform));
  }
  return compressedManifest(parts, image, lease, signal);
}

/** compat: a push speaks of layers by the digest of what they hold, not of their blobs. */
async function diffIds(parts: ImageParts, root: Descriptor): Promise<ReadonlyMap<Digest, Digest>> {
  const names = new Map<Digest, Digest>();
  for (const entry of await entriesOf(parts.content, root)) {
    const document = parseManifest(await parts.content.read(entry.digest, MAX_MANIFEST_BYTES), entry.mediaType);
    // What is no image has layers of its own kind, which are called what they are.
    if (document.kind === 'index' || !isConfigType(document.config.mediaType) || attestedBy(entry)) continue;
    const { diffIds: all } = parseImageConfig(await parts.content.read(document.config.digest, MAX_MANIFEST_BYTES));
    for (const [index, { digest }] of document.layers.entries()) names.set(digest, all[index] ?? digest);
  }
  return names;
}

/** Notes what a registry calls an image, and the manifest it has there; nothing where it is none of the store's. */
export async function remember(
  parts: Pick<ImageParts, 'locks' | 'index' | 'content'>,
  id: Digest,
  repoDigest: string,
  manifest?: Descriptor,
): Promise<void> {
  await parts.locks.run(STORE, async () => {
    const now = parts.index.get(id);
    // One that is of another's index has no name of its own.
    if (!now || isRooted(now, rootedManifests(parts, parts.index.list()))) return;
    const hasName = now.repoDigests.includes(repoDigest);
    const hasManifest = !manifest || now.manifests.some(({ digest }) => digest === manifest.digest);
    if (hasName && hasManifest) return;
    const repoDigests = hasName ? now.repoDigests : [...now.repoDigests, repoDigest];
    if (hasManifest) return parts.index.put([{ ...now, repoDigests }]);
    const { mediaType, digest, size } = manifest;
    parts.index.put([{ ...now, repoDigests, manifests: [{ mediaType, digest, size }, ...now.manifests] }]);
  });
}

/** Other repositories at the same registry that images with this blob came from or went to. */
export function mountCandidates(
  { index, content }: Pick<ImageParts, 'index' | 'content'>,
  { host, path }: Reference,
  blob: Digest,
): string[] {
  const candidates = new Set<string>();
  for (const image of index.list()) {
    const has = image.manifests.some(({ digest }) => content.stat(digest)?.references.includes(blob));
    for (const name of has ? image.repoDigests : []) {
      const other = parseReference(name);
      if (other.host === host && other.path !== path) candidates.add(other.path);
    }
  }
  return [...candidates];
}

const fullName = ({ host, path }: Reference): string => `${host}/${path}`;

function inDockersWords(progress: PushProgress, names: ReadonlyMap<Digest, Digest>): LayerProgress {
  const id = names.get(progress.digest) ?? progress.digest;
  switch (progress.kind) {
    case 'pushing':
      return { id, status: 'Pushing', current: progress.current, total: progress.total };
    case 'mounted-from':
      return { id, status: `Mounted from ${progress.repository.replace(/^library\//, '')}` };
    case 'retrying':
      return { id, status: `Retrying in ${progress.inSeconds} second${progress.inSeconds === 1 ? '' : 's'}` };
    case 'layer-already-exists':
      return { id, status: 'Layer already exists' };
    case 'preparing':
      return { id, status: 'Preparing' };
    case 'waiting':
      return { id, status: 'Waiting' };
    case 'skipped-foreign-layer':
      return { id, status: 'Skipped foreign layer' };
    case 'pushed':
      return { id, status: 'Pushed' };
  }
}
