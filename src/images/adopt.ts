/** Makes an image of a manifest whose blobs are in the content store: unpacks what is missing, then writes the record. */
import { type Digest, formatTimeNs, nowNs } from '#base';
import {
  type Descriptor,
  type ImageConfigFile,
  type ImageManifest,
  isConfigType,
  isLayerType,
  MAX_MANIFEST_BYTES,
  parseImageConfig,
  parseManifest,
} from '#specs';
import type { Lease } from './content/content-store.ts';
import { errors } from './errors.ts';
import { type ImageParts, STORE } from './image-parts.ts';
import type { ImageLayer, ImageRecord, NamedRoot } from './image-record.ts';
import type { LayerProgress } from './images.ts';
import { type EarlyUnpacks, unpackLayers } from './unpack-layers.ts';

export interface AdoptRequest {
  readonly manifest: Descriptor;
  /** Holds the manifest and all it refers to. */
  readonly lease: Lease;
  /** Names it gets, `name:tag`; images that had them lose them. */
  readonly tags?: readonly string[];
  /** `name@digest`. */
  readonly repoDigests?: readonly string[];
  /** What the names stand for, where that is more than the image; all of it is here, and held by the lease. */
  readonly root?: Descriptor;
  readonly parent?: Digest;
  readonly early?: EarlyUnpacks;
  readonly signal?: AbortSignal;
  onProgress?(progress: LayerProgress): void;
}

/** Throws `image.notAnImage`, `image.layerCount`, and what unpacking throws; nothing has changed then. */
export async function adopt(parts: ImageParts, request: AdoptRequest): Promise<ImageRecord> {
  const { manifest, config } = await readImage(parts, request.manifest);
  const wanted = config.diffIds.map((diffId, index) => ({ diffId, blob: manifest.layers[index]!.digest }));
  using held = await unpackLayers(parts, { ...request, wanted });
  // Awaited here: the layers are held until the record is written.
  return await parts.locks.run(STORE, async () => {
    const id = manifest.config.digest;
    const record = describe(id, config, held.layers);
    return save(parts, record, request);
  });
}

/** The manifest and config, checked against each other. */
export async function readImage(
  { content }: Pick<ImageParts, 'content'>,
  descriptor: Descriptor,
): Promise<{ manifest: ImageManifest; config: ImageConfigFile }> {
  const bytes = await content.read(descriptor.digest, MAX_MANIFEST_BYTES);
  const manifest = parseManifest(bytes, descriptor.mediaType);
  if (manifest.kind === 'index') throw errors.notAnImage(descriptor.digest, manifest.mediaType);
  if (!isConfigType(manifest.config.mediaType)) throw errors.notAnImage(descriptor.digest, manifest.config.mediaType);
  const config = parseImageConfig(await content.read(manifest.config.digest, MAX_MANIFEST_BYTES));
  if (config.platform.os !== 'linux' && config.platform.os !== '') {
    throw errors.wrongOs(manifest.config.digest, config.platform.os);
  }
  for (const layer of manifest.layers) if (!isLayerType(layer.mediaType)) throw errors.notALayer(layer.mediaType);
  if (manifest.layers.length !== config.diffIds.length) {
    throw errors.layerCount(descriptor.digest, manifest.layers.length, config.diffIds.length);
  }
  return { manifest, config };
}

/** A record without names. */
export function describe(id: Digest, config: ImageConfigFile, layers: readonly ImageLayer[]): ImageRecord {
  return {
    version: 2,
    id,
    tags: [],
    repoDigests: [],
    manifests: [],
    createdAt: config.created,
    platform: config.platform,
    author: config.author,
    comment: config.comment,
    dockerVersion: config.dockerVersion,
    config: config.execution,
    history: config.history,
    layers,
    sizeBytes: layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    taggedAt: '',
  };
}

/** Joins what is new with what is known of the image, and takes the names from whoever had them. */
function save(parts: ImageParts, fresh: ImageRecord, request: AdoptRequest): ImageRecord {
  const before = parts.index.get(fresh.id);
  const { tags = [], repoDigests = [], manifest, parent, root } = request;
  const isTagged = tags.some((tag) => !before?.tags.includes(tag));
  const record: ImageRecord = {
    ...fresh,
    tags: united(before?.tags ?? [], tags),
    repoDigests: united(before?.repoDigests ?? [], repoDigests),
    manifests: withManifest(before?.manifests ?? [], manifest),
    roots: withRoot(before?.roots ?? [], tags.length === 0 && root ? [''] : tags, root),
    taggedAt: isTagged ? formatTimeNs(nowNs()) : (before?.taggedAt ?? ''),
    ...((parent ?? before?.parent) ? { parent: (parent ?? before?.parent)! } : {}),
  };
  // No earlier on the disk than what it speaks of.
  parts.index.put([...withoutNames(parts, [...tags, ...repoDigests], fresh.id), record], false);
  return parts.index.get(fresh.id)!;
}

/** Newest first, each once. */
function withManifest(known: readonly Descriptor[], manifest: Descriptor): Descriptor[] {
  const { mediaType, digest, size } = manifest;
  return [{ mediaType, digest, size }, ...known.filter((each) => each.digest !== digest)];
}

/** These names stand for the root now, or without one for the image alone. */
export function withRoot(
  known: readonly NamedRoot[],
  tags: readonly string[],
  root: Descriptor | undefined,
): NamedRoot[] {
  const others = known.filter(({ tag }) => !tags.includes(tag));
  if (!root) return others;
  const { mediaType, digest, size } = root;
  return [...tags.map((tag) => ({ tag, root: { mediaType, digest, size } })), ...others];
}

/** The records of other images that have these names, without them. */
export function withoutNames(
  parts: Pick<ImageParts, 'index'>,
  names: readonly string[],
  except: Digest,
): ImageRecord[] {
  const losers = new Set(names.flatMap((name) => parts.index.named(name) ?? []).filter(({ id }) => id !== except));
  return [...losers].map((loser) => ({
    ...loser,
    tags: loser.tags.filter((tag) => !names.includes(tag)),
    repoDigests: loser.repoDigests.filter((name) => !names.includes(name)),
  }));
}

function united(before: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...before, ...more])];
}
