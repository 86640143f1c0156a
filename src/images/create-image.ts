/** Makes an image of layers at hand: config file and manifest are written here. */
import { type Digest, formatTimeNs, nowNs } from '#base';
import { type Descriptor, encodeManifest, type HistoryEntry, mediaTypes, type Platform } from '#specs';
import { adopt } from './adopt.ts';
import { encodeImageConfig } from './config-json.ts';
import type { Lease } from './content/content-store.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageConfig, ImageRecord } from './image-record.ts';

export interface CreateImageRequest {
  readonly lease: Lease;
  /** Blobs of the layers, lowest first, and what they hold. */
  readonly layers: readonly { readonly descriptor: Descriptor; readonly diffId: Digest }[];
  readonly config: ImageConfig;
  readonly platform: Platform;
  readonly history: readonly HistoryEntry[];
  readonly author: string;
  readonly comment: string;
  readonly createdAt?: string;
  readonly tag: string | undefined;
  readonly parent?: Digest;
  readonly inlineCache?: string;
  readonly signal?: AbortSignal | undefined;
}

/** compat: Docker's second schema, which every registry and tool takes. */
export async function createImage(parts: ImageParts, request: CreateImageRequest): Promise<ImageRecord> {
  const { lease, layers, signal, tag, parent } = request;
  const config = Buffer.from(
    encodeImageConfig({
      ...request,
      createdAt: request.createdAt ?? formatTimeNs(nowNs()),
      diffIds: layers.map(({ diffId }) => diffId),
    }),
  );
  const { digest, sizeBytes } = parts.content.put(config, { lease });
  const manifest = putManifest(parts, lease, {
    mediaType: mediaTypes.dockerManifest,
    config: { mediaType: mediaTypes.dockerConfig, digest, size: sizeBytes },
    layers: layers.map(({ descriptor }) => descriptor),
  });
  const image = await adopt(parts, {
    manifest,
    lease,
    tags: tag === undefined ? [] : [tag],
    ...(parent ? { parent } : {}),
    ...(signal ? { signal } : {}),
  });
  // compat: import and commit tag their image as `tag` does.
  if (tag !== undefined) {
    parts.announce({ action: 'tag', id: image.id, attributes: { ...image.config.labels, name: tag } });
  }
  return image;
}

/** Keeps a manifest together with what it refers to. */
export function putManifest(
  { content }: Pick<ImageParts, 'content'>,
  lease: Lease,
  manifest: { readonly mediaType: string; readonly config: Descriptor; readonly layers: readonly Descriptor[] },
): Descriptor {
  const references = [manifest.config, ...manifest.layers].map(({ digest }) => digest);
  const { digest, sizeBytes } = content.put(encodeManifest(manifest), { lease, references });
  return { mediaType: manifest.mediaType, digest, size: sizeBytes };
}

/** What a layer's blob is called by its first bytes' format. */
export function layerType(format: string | undefined): string {
  if (format === 'gzip') return mediaTypes.dockerLayerGzip;
  return format === 'zstd' ? mediaTypes.ociLayerZstd : mediaTypes.dockerLayer;
}
