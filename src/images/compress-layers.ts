/**
 * Layers that are held uncompressed (loaded, imported, committed) are pushed with gzip. The compressed blobs and the
 * manifest that names them are kept: the same image has the same digest at the next push.
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { Digest } from '#base';
import { type Descriptor, type ImageManifest, mediaTypes } from '#specs';
import { readImage } from './adopt.ts';
import type { Lease } from './content/content-store.ts';
import { putManifest } from './create-image.ts';
import { errors } from './errors.ts';
import { type ImageParts, STORE } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';

const CHUNK_BYTES = 1024 * 1024;
const PLAIN: ReadonlyMap<string, string> = new Map([
  [mediaTypes.dockerLayer, mediaTypes.dockerLayerGzip],
  [mediaTypes.ociLayer, mediaTypes.ociLayerGzip],
]);

/** A manifest of the image whose layers are all compressed; made and recorded when there is none yet. */
export function compressedManifest(
  parts: ImageParts,
  { id }: ImageRecord,
  lease: Lease,
  signal?: AbortSignal,
): Promise<Descriptor> {
  // A push beside this one finds what the first has made.
  return parts.locks.run(`compress ${id}`, () => findOrMake(parts, id, lease, signal));
}

async function findOrMake(
  parts: ImageParts,
  id: Digest,
  lease: Lease,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const image = parts.index.get(id);
  if (!image) throw errors.noSuch(id);
  let plain: ImageManifest | undefined;
  for (const descriptor of image.manifests) {
    lease.hold(descriptor.digest);
    const { manifest } = await readImage(parts, descriptor);
    if (!manifest.layers.some(({ mediaType }) => PLAIN.has(mediaType))) return descriptor;
    plain ??= manifest;
  }
  if (!plain) throw errors.noManifest(image.id);
  const layers: Descriptor[] = [];
  for (const layer of plain.layers) {
    // Images share layers: one of them is compressed at a time.
    const compress = () => compressed(parts, layer, lease, signal);
    layers.push(await parts.locks.run(`compress ${layer.digest}`, compress));
  }
  const manifest = putManifest(parts, lease, { ...plain, layers });
  return await parts.locks.run(STORE, async () => {
    const now = parts.index.get(image.id);
    if (now) parts.index.put([{ ...now, manifests: [manifest, ...now.manifests] }]);
    return manifest;
  });
}

async function compressed(
  { content }: ImageParts,
  layer: Descriptor,
  lease: Lease,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const mediaType = PLAIN.get(layer.mediaType);
  if (mediaType === undefined) return layer;
  await using ingest = await content.ingest(`gzip ${layer.digest}`, { lease });
  // The compressor cannot go on where an earlier try stopped.
  if (ingest.sizeBytes > 0) await ingest.restart();
  try {
    await pipeline(
      createReadStream(content.path(layer.digest), { highWaterMark: CHUNK_BYTES }),
      createGzip({ level: constants.Z_DEFAULT_COMPRESSION, chunkSize: CHUNK_BYTES }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) await ingest.write(chunk);
      },
      ...(signal ? [{ signal }] : []),
    );
    const { digest, sizeBytes } = await ingest.commit();
    return { mediaType, digest, size: sizeBytes };
  } catch (error) {
    await ingest.abort();
    throw error;
  }
}
