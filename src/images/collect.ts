/** Removes content and layers that no image, lease or running work needs. */
import { contentRoots } from './image-record.ts';
import type { ImageParts } from './image-parts.ts';

/** Gives the bytes that are free now, of blobs and unpacked layers together. */
export async function collectGarbage(parts: ImageParts): Promise<number> {
  const { content, layers, index, layersInUse } = parts;
  const { freedBytes } = await content.collect(index.list().flatMap(contentRoots));
  // Looked at anew: images may have come while files went.
  const images = index.list();
  const wanted = new Set([...images.flatMap((image) => image.layers.map(({ key }) => key)), ...layersInUse.keys()]);
  const removed = await layers.collect(wanted);
  return removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, freedBytes);
}
