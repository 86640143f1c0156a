/** A cache that was kept elsewhere: its document is read now, layers only when a step finds its result in it. */
import { type Digest, parseDigest } from '#base';
import type { RestoreRequest, StoredLayer } from '#images';
import {
  type Descriptor,
  type ImageManifest,
  isManifestType,
  type Manifest,
  MAX_MANIFEST_BYTES,
  parseManifest,
} from '#specs';
import { errors } from '../errors.ts';
import type { ImportedCache, ImportedMount, ImportedResult } from '../export/export-wish.ts';
import {
  CACHE_CONFIG,
  type CacheRecord,
  DIFF_ID,
  MAX_CACHE_CONFIG_BYTES,
  parseCacheConfig,
  parseInlineCache,
} from './cache-config.ts';
import { MOUNT_NAME } from './mount-archives.ts';

/** Where it is kept. */
export interface CacheOrigin {
  readonly root: Manifest;
  /** A small blob, verified. */
  read(descriptor: Descriptor, limitBytes: number): Promise<Buffer>;
  readonly fetch: RestoreRequest['fetch'];
  /** Whether it is asked for cache mounts as well. */
  readonly hasMounts?: boolean;
}

/** Of several platforms. */
const MAX_IMAGES = 64;

/** Throws `build.badCache`, and what reading throws. An image without a cache in it gives one that has nothing. */
export async function importCache({ root, read, fetch, hasMounts = false }: CacheOrigin): Promise<ImportedCache> {
  const found = new Map<string, ImportedResult>();
  const add = (records: readonly CacheRecord[], layers: readonly (StoredLayer | undefined)[]): void => {
    for (const record of records) {
      const chain = record.layers.map((at) => layers[at]);
      if (chain.length === 0 || !chain.every((layer) => layer !== undefined) || found.has(record.key)) continue;
      found.set(record.key, { identity: record.identity, layers: chain, fetch });
    }
  };
  const document = root.kind === 'index' ? root.manifests : [root.config, ...root.layers];
  const config = document.find(({ mediaType }) => mediaType === CACHE_CONFIG);
  if (config) {
    const { blobs, records } = parseCacheConfig(await read(config, MAX_CACHE_CONFIG_BYTES));
    const layers = new Map(document.map((descriptor) => [descriptor.digest, stored(descriptor)]));
    add(
      records,
      blobs.map((digest) => layers.get(digest)),
    );
  } else {
    for (const image of await imagesOf(root, read)) {
      const inline = await inlineOf(image, read);
      if (inline) add(inline.records, inline.layers);
    }
  }
  const mounts = new Map<string, ImportedMount>();
  for (const blob of hasMounts ? document : []) {
    const name = blob.annotations?.[MOUNT_NAME];
    if (name !== undefined) mounts.set(name, { blob, fetch });
  }
  return { find: (key) => found.get(key), mount: (name) => mounts.get(name) };
}

/** Undefined where it does not say what the layer's archive holds. */
function stored(descriptor: Descriptor): StoredLayer | undefined {
  const diffId = parseDigest(descriptor.annotations?.[DIFF_ID] ?? '');
  return diffId && { descriptor, diffId };
}

async function imagesOf(root: Manifest, read: CacheOrigin['read']): Promise<ImageManifest[]> {
  if (root.kind === 'manifest') return [root];
  const images: ImageManifest[] = [];
  const entries = root.manifests.filter(
    ({ mediaType, platform }) => isManifestType(mediaType) && platform?.os !== 'unknown',
  );
  for (const entry of entries.slice(0, MAX_IMAGES)) {
    const image = parseManifest(await read(entry, MAX_MANIFEST_BYTES), entry.mediaType);
    if (image.kind === 'manifest') images.push(image);
  }
  return images;
}

async function inlineOf(
  { config, layers }: ImageManifest,
  read: CacheOrigin['read'],
): Promise<{ readonly records: CacheRecord[]; readonly layers: StoredLayer[] } | undefined> {
  const fields = objectOf(await read(config, MAX_CACHE_CONFIG_BYTES));
  const inline = fields['moby.buildkit.cache.v0'];
  const rootfs = fields['rootfs'] as { readonly diff_ids?: unknown } | null | undefined;
  const diffIds = Array.isArray(rootfs?.diff_ids) ? rootfs.diff_ids.map((each) => parseDigest(String(each))) : [];
  if (typeof inline !== 'string' || diffIds.length !== layers.length) return undefined;
  if (!diffIds.every((each): each is Digest => each !== undefined)) return undefined;
  const stack = layers.map((descriptor, index) => ({ descriptor, diffId: diffIds[index]! }));
  return { records: parseInlineCache(inline, layers.length), layers: stack };
}

function objectOf(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(bytes.toString()) as unknown;
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw errors.badCache('the config of the image is no JSON');
}

/** The first of several that has it. */
export function firstOf(caches: readonly ImportedCache[], keys: readonly string[]): ImportedResult | undefined {
  for (const key of keys) {
    for (const cache of caches) {
      const found = cache.find(key);
      if (found) return found;
    }
  }
  return undefined;
}
