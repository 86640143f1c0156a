/** The results of a build's steps for another builder: blobs of layers and a document that says which step gave which. */
import { formatTimeNs } from '#base';
import type { ImageExport, LayerKey } from '#images';
import { type Descriptor, descriptorJson, mediaTypes } from '#specs';
import type { CacheEntry } from '../cache/build-cache.ts';
import type { ExportTell } from '../export/export.ts';
import type { CacheExportWish, CacheForm, ExportFacts } from '../export/export-wish.ts';
import { CACHE_CONFIG, type CacheRecord, DIFF_ID, encodeCacheConfig, encodeInlineCache } from './cache-config.ts';

export interface CacheSource {
  /** In the order of the steps: of all of them, and of those that are part of an output. */
  readonly all: readonly CacheEntry[];
  readonly exported: readonly CacheEntry[];
  readonly exporter: ImageExport;
  readonly epochNs: bigint | undefined;
  /** The tars of cache mounts. */
  readonly packMounts: (form: CacheForm, tell: ExportTell) => Promise<Descriptor[]>;
}

/** Throws what the registry or the client's store throws; a name is given last, so it never leads to half a cache. */
export async function exportCache(source: CacheSource, wish: CacheExportWish, tell: ExportTell): Promise<ExportFacts> {
  const { form } = wish;
  tell('preparing build cache for export');
  const mounts = form.hasMounts ? await source.packMounts(form, tell) : [];
  const root = await cacheRoot(source, form, mounts);
  if (!root) {
    tell('skipping cache export for empty result');
    return {};
  }
  if (wish.kind === 'registry') {
    const credentials = await wish.credentialsFor(wish.reference);
    tell(`writing cache manifest ${root.digest}`);
    await source.exporter.push(wish.reference, root, { credentials });
  } else {
    const blobs = await source.exporter.reachable(root);
    for (const blob of blobs) {
      tell(`writing ${blob.digest === root.digest ? 'cache manifest' : 'blob'} ${blob.digest}`);
      await wish.write(blob, () => source.exporter.blobs.open(blob.digest) as AsyncIterable<Buffer>);
    }
  }
  return { 'cache.manifest': JSON.stringify(descriptorJson(root)) };
}

/** The document and what it points to, as blobs; undefined when there is nothing to keep. */
async function cacheRoot(
  source: CacheSource,
  form: CacheForm,
  mounts: readonly Descriptor[],
): Promise<Descriptor | undefined> {
  const { exporter, epochNs } = source;
  const entries = form.isWhole ? source.all : source.exported;
  const keys = [...new Set(entries.flatMap(({ layers }) => layers))];
  if (keys.length + mounts.length === 0) return undefined;
  const wish = { compression: form.compression, isOci: form.isOci, ...(epochNs === undefined ? {} : { epochNs }) };
  const made = await exporter.layers(keys, wish);
  // Two layers may hold the same.
  const blobs = [...new Map(made.map((layer) => [layer.descriptor.digest, layer])).values()];
  const placeOf = new Map(blobs.map(({ descriptor }, index) => [descriptor.digest, index]));
  const placeOfKey = new Map(keys.map((key, index) => [key, placeOf.get(made[index]!.descriptor.digest)!]));
  const records = recordsOf(entries, epochNs, (layers) => layers.map((key) => placeOfKey.get(key)!));
  const config = exporter.put(
    encodeCacheConfig({ blobs: blobs.map(({ descriptor }) => descriptor.digest), records }),
    CACHE_CONFIG,
  );
  const ofSteps = blobs.map(({ descriptor, diffId }) => ({ ...descriptor, annotations: { [DIFF_ID]: diffId } }));
  const layers = [...ofSteps, ...mounts];
  const references = [...layers, config].map(({ digest }) => digest);
  if (form.isManifest) {
    const mediaType = mediaTypes.ociManifest;
    const document = { schemaVersion: 2, mediaType, config, layers: layers.map(descriptorJson) };
    return exporter.put(Buffer.from(JSON.stringify(document)), mediaType, references);
  }
  const mediaType = form.isOci ? mediaTypes.ociIndex : mediaTypes.dockerList;
  const document = { schemaVersion: 2, mediaType, manifests: [...layers, config].map(descriptorJson) };
  return exporter.put(Buffer.from(JSON.stringify(document)), mediaType, references);
}

/** For the config of an image of these layers; undefined when no result is made of them alone. */
export function inlineCache(
  entries: readonly CacheEntry[],
  image: readonly LayerKey[],
  epochNs: bigint | undefined,
): string | undefined {
  const placeOf = new Map(image.map((key, index) => [key, index]));
  const inside = entries.filter(({ layers }) => layers.length > 0 && layers.every((key) => placeOf.has(key)));
  if (inside.length === 0) return undefined;
  return encodeInlineCache(recordsOf(inside, epochNs, (layers) => layers.map((key) => placeOf.get(key)!)));
}

/** A record per key, in an order that does not depend on when they were found. */
function recordsOf(
  entries: readonly CacheEntry[],
  epochNs: bigint | undefined,
  placesOf: (layers: readonly LayerKey[]) => number[],
): CacheRecord[] {
  const records = new Map<string, CacheRecord>();
  for (const { keys, identity, layers, createdAt } of entries) {
    for (const key of keys) {
      // compat: clients that build with a date want the same cache for the same build.
      const at = epochNs === undefined ? createdAt : formatTimeNs(epochNs);
      records.set(key, { key, identity, layers: placesOf(layers), createdAt: at });
    }
  }
  return [...records.values()];
}
