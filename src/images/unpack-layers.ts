/**
 * Brings the layers of an image into the layer store: those that are missing are unpacked from their blobs, in
 * parallel, each once however many images ask for it at the same time.
 *
 * A layer that depends on those below (its archive leaves out parent folders, or links to a file of a lower layer) is
 * completed from them when they are there, and kept for this chain only.
 */
import { type Digest, KeyedMutex } from '#base';
import { errors } from './errors.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageLayer } from './image-record.ts';
import type { LayerProgress } from './images.ts';
import { chainIdOf } from './layers/chain-id.ts';
import type { PendingLayer } from './layers/layer-store.ts';
import type { UnpackedLayer } from './layers/layer-unpacker.ts';
import { needsSettling, settleLayer } from './layers/settle-layer.ts';

export interface WantedLayer {
  readonly diffId: Digest;
  /** In the content store. */
  readonly blob: Digest;
}

export interface UnpackLayersRequest {
  /** Lowest first. */
  readonly wanted: readonly WantedLayer[];
  /** Layers that are being unpacked already, by blob. */
  readonly early?: EarlyUnpacks;
  readonly signal?: AbortSignal;
  onProgress?(progress: LayerProgress): void;
}

/** Layers that are there, and stay until this is disposed. */
export interface HeldLayers extends Disposable {
  readonly layers: readonly ImageLayer[];
}

interface Unpacking extends AsyncDisposable {
  readonly pending: PendingLayer;
  readonly unpacked: UnpackedLayer;
}

type Parts = Pick<
  ImageParts,
  'content' | 'layers' | 'unpacker' | 'layersInUse' | 'facts' | 'layerForm' | 'helperProgram'
>;

/** One unpacking of a DiffID at a time: a second asker finds the first one's layer. */
const unpacking = new KeyedMutex();

/**
 * Throws `image.wrongDiffId` when a blob does not hold what the config says, and what unpacking throws. Nothing is
 * left of layers that were not completed.
 */
export async function unpackLayers(parts: Parts, request: UnpackLayersRequest): Promise<HeldLayers> {
  const { wanted } = request;
  using held = new DisposableStack();
  await using undo = new AsyncDisposableStack();
  const cancel = new AbortController();
  undo.defer(() => cancel.abort());
  const signal = request.signal ? AbortSignal.any([request.signal, cancel.signal]) : cancel.signal;
  const chainIds = wanted.map((_, index) => chainIdOf(chainBelow(wanted, index)));
  const started = wanted.map((layer, index) => bring(parts, layer, chainIds[index]!, held, { ...request, signal }));
  // The first that fails ends the others, whether it is waited for yet or not.
  for (const each of started) each.catch(() => cancel.abort());
  // All of them end before this does, whichever fails first.
  undo.defer(async () => {
    for (const result of await Promise.allSettled(started)) {
      if (result.status === 'fulfilled') await result.value?.[Symbol.asyncDispose]();
    }
  });
  const layers: ImageLayer[] = [];
  for (const [index, { diffId }] of wanted.entries()) {
    const chainId = chainIds[index]!;
    const chained = await started[index];
    if (chained) {
      const below = layers.map(({ key }) => parts.layers.folder(key)).reverse();
      const { facts, helperProgram, layerForm: form } = parts;
      const { folder } = chained.pending;
      await settleLayer({ folder, lowers: below, form, facts, helperProgram }, chained.unpacked);
      const { key } = await chained.pending.commit({ ...chained.unpacked, diffId, chainId });
      held.use(parts.layersInUse.hold(key));
    }
    const found = parts.layers.find(diffId, chainId);
    if (!found) throw errors.layerGone(diffId);
    layers.push({ diffId, key: found.key, sizeBytes: found.sizeBytes });
  }
  const kept = held.move();
  return { layers, [Symbol.dispose]: () => kept.dispose() };
}

function chainBelow(wanted: readonly WantedLayer[], index: number): [Digest, ...Digest[]] {
  const [first, ...rest] = wanted.slice(0, index + 1).map(({ diffId }) => diffId);
  return [first!, ...rest];
}

/** Undefined when the layer is in the store now; else what has to be completed from the layers below. */
function bring(
  parts: Parts,
  layer: WantedLayer,
  chainId: Digest,
  held: DisposableStack,
  request: UnpackLayersRequest,
): Promise<Unpacking | undefined> {
  const { diffId, blob } = layer;
  return unpacking.run(diffId, async () => {
    const found = parts.layers.find(diffId, chainId);
    if (found) {
      held.use(parts.layersInUse.hold(found.key));
      return undefined;
    }
    const unpacking = (await request.early?.take(blob)) ?? (await unpackBlob(parts, blob, request));
    await using undo = new AsyncDisposableStack();
    undo.use(unpacking);
    const { pending, unpacked } = unpacking;
    if (unpacked.diffId !== diffId) throw errors.wrongDiffId(blob, unpacked.diffId, diffId);
    if (!needsSettling(unpacked)) {
      const { key } = await pending.commit(unpacked);
      held.use(parts.layersInUse.hold(key));
      return undefined;
    }
    undo.move();
    return unpacking;
  });
}

interface UnpackBlobOptions extends Pick<UnpackLayersRequest, 'signal' | 'onProgress'> {
  /** The blob's file was compared with its digest a moment ago. */
  readonly isVerified?: boolean;
}

async function unpackBlob(
  parts: Parts,
  blob: Digest,
  { signal, onProgress, isVerified }: UnpackBlobOptions,
): Promise<Unpacking> {
  const total = parts.content.stat(blob)?.sizeBytes ?? 0;
  const pending = parts.layers.begin();
  try {
    const unpacked = await parts.unpacker.unpack({
      blob: parts.content.path(blob),
      folder: pending.folder,
      ...(isVerified === true ? { verifiedDigest: blob } : {}),
      ...(signal ? { signal } : {}),
      onProgress: (current) => onProgress?.({ id: blob, status: 'Extracting', current, total }),
    });
    return { pending, unpacked, [Symbol.asyncDispose]: () => pending[Symbol.asyncDispose]() };
  } catch (error) {
    await pending[Symbol.asyncDispose]();
    throw error;
  }
}

/** Unpacks blobs that look like layers while the rest of an archive is still coming in. */
export class EarlyUnpacks implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #cancel = new AbortController();
  readonly #signal: AbortSignal;
  readonly #running = new Map<Digest, Promise<Unpacking | undefined>>();

  constructor(parts: Parts, signal?: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal ? AbortSignal.any([signal, this.#cancel.signal]) : this.#cancel.signal;
  }

  /** A failure is nobody's yet: the blob may be no layer at all. `isVerified`: it was hashed on its way to the disk. */
  start(blob: Digest, { isVerified }: { readonly isVerified: boolean }): void {
    if (this.#running.has(blob) || this.#parts.layers.find(blob, blob)) return;
    this.#running.set(
      blob,
      unpackBlob(this.#parts, blob, { signal: this.#signal, isVerified }).catch(() => undefined),
    );
  }

  /** The blob's layer, which is the taker's now; undefined when it was not begun or failed. */
  async take(blob: Digest): Promise<Unpacking | undefined> {
    const running = this.#running.get(blob);
    this.#running.delete(blob);
    return running;
  }

  /** Ends what nobody took. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancel.abort();
    for (const running of this.#running.values()) await (await running)?.[Symbol.asyncDispose]();
  }
}
