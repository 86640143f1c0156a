/** Layers that somebody kept elsewhere, a build cache for instance, back in the layer store. */
import { randomUUID } from 'node:crypto';
import type { Digest } from '#base';
import type { BlobTarget } from '#registry';
import type { Descriptor } from '#specs';
import type { Lease } from './content/content-store.ts';
import type { ImageParts } from './image-parts.ts';
import { chainIdOf } from './layers/chain-id.ts';
import type { LayerKey } from './layers/layer-store.ts';
import { unpackLayers } from './unpack-layers.ts';

export interface StoredLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

export interface RestoreRequest {
  /** Of a whole stack, lowest first. */
  readonly layers: readonly StoredLayer[];
  /** Brings a blob into the target, held by the lease; it verifies digest and size. */
  readonly fetch: (descriptor: Descriptor, target: BlobTarget, lease: Lease) => Promise<void>;
  readonly signal: AbortSignal;
}

export interface RestoredLayers extends Disposable {
  readonly keys: readonly LayerKey[];
}

/** Held until disposed. What is here is not fetched. Throws what `fetch` and unpacking throw; nothing stays behind then. */
export async function restoreLayers(
  parts: ImageParts,
  { layers, fetch, signal }: RestoreRequest,
): Promise<RestoredLayers> {
  using lease = parts.content.lease(`restore ${randomUUID()}`, { isTransient: true });
  const wanted = layers.map(({ diffId, descriptor }) => ({ diffId, blob: descriptor.digest }));
  for (const [index, { descriptor, diffId }] of layers.entries()) {
    const [first, ...rest] = wanted.slice(0, index + 1).map((each) => each.diffId);
    if (parts.layers.find(diffId, chainIdOf([first!, ...rest]))) continue;
    await fetch(descriptor, parts.content, lease);
  }
  const held = await unpackLayers(parts, { wanted, signal });
  return { keys: held.layers.map(({ key }) => key), [Symbol.dispose]: () => held[Symbol.dispose]() };
}
