/** An image of layers that are unpacked here: makes the archives that are missing, then config, manifest and record. */
import { randomUUID } from 'node:crypto';
import { type Digest, formatTimeNs, ZERO_TIME } from '#base';
import { parseTag } from '#registry';
import type { Descriptor, HistoryEntry, Platform } from '#specs';
import { readImage } from './adopt.ts';
import { collectGarbage } from './collect.ts';
import type { Lease } from './content/content-store.ts';
import { encodeImageConfig } from './config-json.ts';
import { createImage, layerType } from './create-image.ts';
import { errors } from './errors.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageConfig, ImageRecord } from './image-record.ts';
import type { LayerKey } from './layers/layer-store.ts';
import { packLayer } from './layers/pack-layer.ts';
import { tagImage } from './tag.ts';

export interface AssembleOptions {
  /** Lowest first; somebody holds them. */
  readonly layers: readonly LayerKey[];
  readonly config: ImageConfig;
  readonly platform: Platform;
  /** Of the whole image. Entries without a time get that of their layer, or of the one beside them. */
  readonly history: readonly HistoryEntry[];
  readonly author: string;
  /** Names it gets; none leaves it dangling. */
  readonly names: readonly string[];
  /** The image it was built on. */
  readonly parent?: Digest;
  /**
   * Nanoseconds since 1970: the time of the image, of history entries that have none, and the latest one of files in layers
   * that get their archive now.
   */
  readonly epochNs?: bigint;
  /** Records of the build cache for the config: see `ImageDescription`. */
  readonly inlineCache?: string;
  readonly signal?: AbortSignal;
}

interface Layer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

export interface ArchiveOptions {
  readonly lease: Lease;
  readonly signal: AbortSignal | undefined;
  /** See AssembleOptions. */
  readonly epochNs: bigint | undefined;
}

const timeOf = ({ epochNs }: Pick<AssembleOptions, 'epochNs'>): string | undefined =>
  epochNs === undefined ? undefined : formatTimeNs(epochNs);

/** Throws for names that are none before anything is made. Nothing stays behind when it fails. */
export async function assembleImage(parts: ImageParts, options: AssembleOptions): Promise<ImageRecord> {
  const { config, platform, author, parent, signal } = options;
  const [tag, ...others] = options.names.map((name) => parseTag(name));
  const lease = parts.content.lease(`build ${randomUUID()}`, { isTransient: true });
  try {
    const layers: Layer[] = [];
    const archive = { lease, signal, epochNs: options.epochNs };
    for (const key of options.layers) layers.push(await archived(parts, key, archive));
    const history = dated(options, parts);
    const image = await createImage(parts, {
      lease,
      layers,
      config,
      platform,
      history,
      author,
      comment: '',
      createdAt: timeOf(options) ?? history.at(-1)?.created ?? ZERO_TIME,
      tag,
      signal,
      ...(parent ? { parent } : {}),
      ...(options.inlineCache === undefined ? {} : { inlineCache: options.inlineCache }),
    });
    return others.length === 0 ? image : await named(parts, image, others);
  } catch (error) {
    lease.release();
    await collectGarbage(parts);
    throw error;
  } finally {
    lease.release();
  }
}

/** The config file of such an image, for layers whose archives are made. */
export function configOf(
  parts: Pick<ImageParts, 'layers'>,
  options: Omit<AssembleOptions, 'names'>,
  layers: readonly { readonly diffId: Digest }[],
): Buffer {
  const history = dated(options, parts);
  const createdAt = timeOf(options) ?? history.at(-1)?.created ?? ZERO_TIME;
  const diffIds = layers.map(({ diffId }) => diffId);
  return Buffer.from(encodeImageConfig({ ...options, createdAt, diffIds, history, comment: '' }));
}

async function named(parts: ImageParts, image: ImageRecord, tags: readonly string[]): Promise<ImageRecord> {
  let last = image;
  for (const tag of tags) last = await tagImage(parts, image.id, tag);
  return last;
}

/** The layer's blob, made now if there is none. */
export async function archived(parts: ImageParts, key: LayerKey, options: ArchiveOptions): Promise<Layer> {
  const { lease } = options;
  const record = parts.layers.get(key);
  if (!record) throw errors.missingFolder('a layer of a build', parts.layers.folder(key));
  const { diffId } = record;
  if (diffId !== undefined) {
    lease.hold(diffId);
    const plain = parts.content.stat(diffId);
    if (plain) return { diffId, descriptor: plainLayer(plain) };
    const known = await blobOfImage(parts, diffId, lease);
    if (known) return { diffId, descriptor: known };
  }
  // One of them is packed at a time, whoever asks.
  return parts.locks.run(`pack ${key}`, () => pack(parts, key, options));
}

async function pack(parts: ImageParts, key: LayerKey, { lease, signal, epochNs }: ArchiveOptions): Promise<Layer> {
  const latest = epochNs === undefined ? {} : { latestNs: epochNs };
  const { content, layers, facts, helperProgram } = parts;
  await using ingest = await content.ingest(`pack ${randomUUID()}`, { lease });
  try {
    for await (const chunk of packLayer({ folder: layers.folder(key), facts, helperProgram, ...latest })) {
      if (signal?.aborted === true) throw errors.cancelled('build');
      await ingest.write(chunk);
    }
    const blob = await ingest.commit();
    layers.name(key, blob.digest);
    return { diffId: blob.digest, descriptor: plainLayer(blob) };
  } catch (error) {
    await ingest.abort();
    throw error;
  }
}

const plainLayer = (blob: { readonly digest: Digest; readonly sizeBytes: number }): Descriptor => ({
  mediaType: layerType(undefined),
  digest: blob.digest,
  size: blob.sizeBytes,
});

/** As some image here has it, compressed perhaps. */
async function blobOfImage(parts: ImageParts, diffId: Digest, lease: Lease): Promise<Descriptor | undefined> {
  for (const image of parts.index.list()) {
    const at = image.layers.findIndex((layer) => layer.diffId === diffId);
    const manifest = image.manifests[0];
    if (at < 0 || !manifest) continue;
    lease.hold(manifest.digest);
    const { manifest: document } = await readImage(parts, manifest);
    const blob = document.layers[at]!;
    if (parts.content.stat(blob.digest)) return blob;
  }
  return undefined;
}

/**
 * compat: as BuildKit dates them: an entry with a layer has the layer's time; one without has that of the entry before,
 * and new ones at the very beginning that of the first layer that is new.
 */
function dated(options: Omit<AssembleOptions, 'names'>, parts: Pick<ImageParts, 'layers'>): HistoryEntry[] {
  const { layers } = options;
  const createdAt = timeOf(options);
  const history = [...unsaid(options, parts), ...options.history];
  let at = 0;
  const withLayers = history.map((entry): HistoryEntry => {
    const key = entry.emptyLayer === true ? undefined : layers[at++];
    if (entry.created !== undefined) return entry;
    if (createdAt !== undefined) return { ...entry, created: createdAt };
    const created = key === undefined ? undefined : parts.layers.get(key)?.createdAt;
    return created === undefined ? entry : { ...entry, created };
  });
  const first = withLayers.findIndex(({ created }) => created === undefined);
  if (first < 0) return withLayers;
  const following = withLayers.slice(first).find(({ created }) => created !== undefined)?.created;
  let last = following ?? withLayers[first - 1]?.created;
  return withLayers.map((entry, index) => {
    if (entry.created !== undefined && index > first) last = entry.created;
    return entry.created !== undefined || last === undefined ? entry : { ...entry, created: last };
  });
}

/** Entries for layers of a base whose history says less than it has layers. */
function unsaid(
  { history, layers }: Omit<AssembleOptions, 'names'>,
  parts: Pick<ImageParts, 'layers'>,
): HistoryEntry[] {
  const said = history.filter(({ emptyLayer }) => emptyLayer !== true).length;
  return layers.slice(0, Math.max(layers.length - said, 0)).map((key) => {
    const created = parts.layers.get(key)?.createdAt;
    return created === undefined ? {} : { created };
  });
}
