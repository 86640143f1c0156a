/** The blob of a layer in the compression somebody asked for: as it is, as an image here has it, or made now. */
import { createReadStream } from 'node:fs';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Digest } from '#base';
import { type Descriptor, mediaTypes } from '#specs';
import { readImage } from './adopt.ts';
import type { Lease } from './content/content-store.ts';
import type { ImageParts } from './image-parts.ts';
import { archiveBytes } from './layers/archive-stream.ts';

export type LayerFormat = 'gzip' | 'zstd' | 'uncompressed';

export interface Compression {
  readonly format: LayerFormat;
  /** gzip 0 to 9, zstd 1 to 22; undefined: what the format's own programs do. */
  readonly level: number | undefined;
  /** Also layers that have another compression already, such as those of a base image. */
  readonly isForced: boolean;
}

export interface FormattedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

export interface RecompressOptions {
  readonly compression: Compression;
  /** OCI's media types, or Docker's. */
  readonly isOci: boolean;
  readonly lease: Lease;
  readonly signal: AbortSignal | undefined;
}

const CHUNK_BYTES = 1024 * 1024;

/** Nothing stays behind when it fails, but what the lease holds. */
export async function recompressed(
  parts: ImageParts,
  layer: FormattedLayer,
  options: RecompressOptions,
): Promise<FormattedLayer> {
  const { compression, isOci, lease, signal } = options;
  const { descriptor, diffId } = layer;
  const format = formatOf(descriptor.mediaType);
  const typed = (blob: { digest: Digest; size: number }, as: LayerFormat): FormattedLayer => ({
    diffId,
    descriptor: { mediaType: layerMediaType(as, isOci), digest: blob.digest, size: blob.size },
  });
  // compat: layers that came compressed stay as they are, unless that is asked for.
  const stays = format === compression.format || (format !== 'uncompressed' && !compression.isForced);
  if (stays && !(compression.isForced && compression.level !== undefined)) return typed(descriptor, format);
  const { format: wanted, level } = compression;
  // One of them is made at a time, whoever asks: the second finds what the first has made.
  return parts.locks.run(`compress ${diffId} ${wanted} ${level ?? ''}`, async () => {
    const known = level === undefined ? await knownBlob(parts, diffId, wanted, lease) : undefined;
    return typed(known ?? (await compress(parts, layer, { wanted, level, lease, signal })), wanted);
  });
}

export function formatOf(mediaType: string): LayerFormat {
  if (/[+.]gzip$/.test(mediaType)) return 'gzip';
  return /[+.]zstd$/.test(mediaType) ? 'zstd' : 'uncompressed';
}

function layerMediaType(format: LayerFormat, isOci: boolean): string {
  if (format === 'gzip') return isOci ? mediaTypes.ociLayerGzip : mediaTypes.dockerLayerGzip;
  if (format === 'zstd') return isOci ? mediaTypes.ociLayerZstd : mediaTypes.dockerLayerZstd;
  return isOci ? mediaTypes.ociLayer : mediaTypes.dockerLayer;
}

/** As some image here has it. */
async function knownBlob(
  parts: ImageParts,
  diffId: Digest,
  wanted: LayerFormat,
  lease: Lease,
): Promise<Descriptor | undefined> {
  for (const image of parts.index.list()) {
    const at = image.layers.findIndex((layer) => layer.diffId === diffId);
    if (at < 0) continue;
    for (const manifest of image.manifests) {
      lease.hold(manifest.digest);
      if (!parts.content.stat(manifest.digest)) continue;
      const { manifest: document } = await readImage(parts, manifest);
      const blob = document.layers[at];
      if (!blob || formatOf(blob.mediaType) !== wanted) continue;
      lease.hold(blob.digest);
      if (parts.content.stat(blob.digest)) return blob;
    }
  }
  return undefined;
}

interface CompressOptions {
  readonly wanted: LayerFormat;
  readonly level: number | undefined;
  readonly lease: Lease;
  readonly signal: AbortSignal | undefined;
}

async function compress(
  { content }: ImageParts,
  { descriptor, diffId }: FormattedLayer,
  { wanted, level, lease, signal }: CompressOptions,
): Promise<{ digest: Digest; size: number }> {
  const key = `${wanted} ${level ?? ''} ${descriptor.digest}`;
  await using ingest = await content.ingest(key, { lease, ...(wanted === 'uncompressed' ? { digest: diffId } : {}) });
  // A compressor cannot go on where an earlier try stopped.
  if (ingest.sizeBytes > 0) await ingest.restart();
  const file = createReadStream(content.path(descriptor.digest), { highWaterMark: CHUNK_BYTES });
  const isPlain = formatOf(descriptor.mediaType) === 'uncompressed';
  const compressor = compressorFor(wanted, level);
  const plain = isPlain ? file : Readable.from(archiveBytes(file), { objectMode: false });
  const write = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) await ingest.write(chunk);
  };
  const options = signal ? { signal } : {};
  try {
    if (compressor) await pipeline(plain, compressor, write, options);
    else await pipeline(plain, write, options);
    const { digest, sizeBytes } = await ingest.commit();
    return { digest, size: sizeBytes };
  } catch (error) {
    file.destroy();
    await ingest.abort();
    throw error;
  }
}

/** Of the same bytes always the same: no names, no times. */
function compressorFor(format: LayerFormat, level: number | undefined): Transform | undefined {
  if (format === 'gzip') return createGzip({ level: level ?? constants.Z_DEFAULT_COMPRESSION, chunkSize: CHUNK_BYTES });
  if (format === 'uncompressed') return undefined;
  const params = level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: level };
  return createZstdCompress({ chunkSize: CHUNK_BYTES, params });
}
