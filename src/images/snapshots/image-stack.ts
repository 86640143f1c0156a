/** The layers of an image as a writable layer stands on them. */
import { existsSync } from 'node:fs';
import { errors } from '../errors.ts';
import type { LayerKey, LayerRecord, LayerStore } from '../layers/layer-store.ts';

export interface ImageStack {
  /** The layers of an image, lowest first; undefined when there is no such image. */
  readonly stackOf: (imageId: string) => readonly LayerKey[] | undefined;
  readonly layers: Pick<LayerStore, 'folder' | 'shortFolder' | 'get'>;
}

/** kernel: overlayfs takes no more, over 500; Docker takes 128 with the init layer, and so do we. */
const MAX_LOWERS = 128;

/** Those that can be seen, topmost first, all of them there. Throws `image.noSuch` and what says which is missing. */
export function layersOf({ stackOf, layers }: ImageStack, imageId: string): LayerRecord[] {
  const stack = stackOf(imageId);
  if (!stack) throw errors.noSuch(imageId);
  if (stack.length >= MAX_LOWERS) throw errors.tooManyLayers(imageId, stack.length, MAX_LOWERS - 1);
  const seen: LayerRecord[] = [];
  for (const key of stack.toReversed()) {
    const record = layers.get(key);
    const path = layers.folder(key);
    if (!record || !existsSync(path)) throw errors.missingFolder(`a layer of image ${imageId}`, path);
    seen.push(record);
    if (record.hidesBelow) break;
  }
  return seen;
}
