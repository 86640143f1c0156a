/** `system df`: what images cost, answered from records. */
import type { Digest } from '#base';
import type { ImageParts } from './image-parts.ts';
import type { DiskUsage } from './images.ts';

export function imageUsage({ index, layers, content }: ImageParts): DiskUsage {
  const images = index.list();
  const users = new Map<string, number>();
  for (const image of images) for (const { key } of image.layers) users.set(key, (users.get(key) ?? 0) + 1);
  return {
    images: images.map((image) => ({
      image,
      sharedBytes: image.layers.reduce(
        (sum, { key, sizeBytes }) => ((users.get(key) ?? 0) > 1 ? sum + sizeBytes : sum),
        0,
      ),
    })),
    layerBytes: layers.list().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    contentBytes: content.list().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    partialBytes: content.ingests().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

/** Of a manifest and the blobs it refers to, each once; undefined when one is not here. */
export function manifestBytes({ content }: Pick<ImageParts, 'content'>, digest: Digest): number | undefined {
  const manifest = content.stat(digest);
  if (!manifest) return undefined;
  let sum = manifest.sizeBytes;
  for (const reference of new Set(manifest.references)) {
    const blob = content.stat(reference);
    if (!blob) return undefined;
    sum += blob.sizeBytes;
  }
  return sum;
}
