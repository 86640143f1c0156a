/**
 * Layers in the making: what a build writes into the folder that becomes the layer, with nothing copied or archived on
 * the way.
 *
 * The story. `begin` gives a folder over a stack of layers; a program or the native helper fills it through an overlay;
 * `commit` makes it a layer with a key of its own. What it is as an archive, and so its DiffID, is found out once, when an
 * image is assembled of it (assemble.ts). Who relies on layers holds them, or names them in `OpenImagesOptions.holdsLayers`:
 * the collector removes all others.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Digest } from '#base';
import { type HostFacts, kernelAtLeast, measureTree, removeTree } from '#linux';
import type { RegistryClient } from '#registry';
import type { Descriptor } from '#specs';
import { archived, assembleImage, type AssembleOptions } from './assemble.ts';
import { collectGarbage } from './collect.ts';
import { errors } from './errors.ts';
import { type ImageExport, openImageExport } from './image-export.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import { chainIdOf } from './layers/chain-id.ts';
import type { LayerKey, LayerRecord } from './layers/layer-store.ts';
import { type RestoredLayers, type RestoreRequest, restoreLayers } from './restore-layers.ts';
import { overlayOptions } from './snapshots/overlay-options.ts';

export interface BuiltLayer extends AsyncDisposable {
  /** The topmost folder of the stack: empty, with what the stack says of its root. */
  readonly folder: string;
  /**
   * Mount options of a writable overlay: this folder over its stack. `withMountPoints`: with the files and folders every
   * container needs in between. Undefined when there is nothing below: then the folder itself is the tree.
   */
  overlay(options: { readonly withMountPoints: boolean }): readonly string[] | undefined;
  /** Makes it a layer, which is held until this is disposed. Without it, disposing removes everything. */
  commit(): Promise<LayerRecord>;
}

export interface BuildLayers {
  /** Over these layers, lowest first. Throws `image.needsOverlay`, `image.tooManyLayers`. */
  begin(below: readonly LayerKey[]): BuiltLayer;
  get(key: LayerKey): LayerRecord | undefined;
  /** The folders of a stack, topmost first. */
  folders(layers: readonly LayerKey[]): string[];
  /** The ChainID of an image's layers; '' of none. */
  chainId(image: ImageRecord): Digest | '';
  /** Keeps layers, until disposed; undefined when one is not there (any more). */
  hold(layers: readonly LayerKey[]): Disposable | undefined;
  /** Counts the bytes of a built layer, once. */
  measure(key: LayerKey): Promise<number>;
  /** Layers images have. */
  ofImages(): Set<LayerKey>;
  /** Removes what nobody wants any more. */
  collect(): Promise<void>;
  /** Makes the archives of layers ahead of `assemble`, and keeps them until disposed. */
  archives(options: { readonly signal: AbortSignal; readonly epochNs: bigint | undefined }): LayerArchives;
  assemble(options: AssembleOptions): Promise<ImageRecord>;
  /** For images that go elsewhere. */
  export(signal: AbortSignal): ImageExport;
  /** Layers that were kept elsewhere. */
  restore(request: RestoreRequest): Promise<RestoredLayers>;
  /** Anything else that was kept elsewhere, as a blob. Throws what `fetch` throws. */
  fetch(blob: Descriptor, request: Pick<RestoreRequest, 'fetch'>): Promise<FetchedBlob>;
  /** Where such layers may be. */
  readonly registry: RegistryClient;
}

/** Here until it is disposed. */
export interface FetchedBlob extends Disposable {
  open(): Readable;
}

export interface LayerArchives extends Disposable {
  /** The layer has to be held meanwhile. */
  add(key: LayerKey): Promise<void>;
}

export interface BuildLayersOptions {
  readonly dataRoot: string;
  /** Empty files and folders to mount on. */
  readonly initLayer: string;
  readonly facts: Pick<HostFacts, 'kernel'>;
}

/** compat: as many as a container's stack may have (image-stack.ts). */
const MAX_LAYERS = 127;
/** kernel: fsconfig takes a string of so many bytes. */
const MAX_OPTION = 255;

export function openBuildLayers(parts: ImageParts, options: BuildLayersOptions): BuildLayers {
  const { layers, layersInUse, index } = parts;
  const lowersOf = (keys: readonly LayerKey[], isShort: boolean): string[] =>
    keys.toReversed().map((key) => (isShort ? layers.shortFolder(key) : layers.folder(key)));
  return {
    begin: (below) => begin(parts, options, below),
    get: (key) => layers.get(key),
    folders: (keys) => lowersOf(keys, false),
    chainId: ({ layers: [first, ...rest] }) =>
      first === undefined ? '' : chainIdOf([first.diffId, ...rest.map(({ diffId }) => diffId)]),
    hold: (keys) => {
      using held = new DisposableStack();
      for (const key of keys) held.use(layersInUse.hold(key));
      // Hold first, then look: the other way round it may go in between.
      if (!keys.every((key) => layers.get(key))) return undefined;
      return held.move();
    },
    measure: async (key) => {
      const known = layers.get(key)?.sizeBytes ?? 0;
      if (known > 0) return known;
      const sizeBytes = await measureTree(layers.folder(key));
      layers.measured(key, sizeBytes);
      return sizeBytes;
    },
    ofImages: () => new Set(index.list().flatMap((image) => image.layers.map(({ key }) => key))),
    collect: async () => void (await collectGarbage(parts)),
    archives: ({ signal, epochNs }) => {
      const lease = parts.content.lease(`build ${randomUUID()}`, { isTransient: true });
      return {
        add: async (key) => void (await archived(parts, key, { lease, signal, epochNs })),
        [Symbol.dispose]: () => lease.release(),
      };
    },
    assemble: (request) => assembleImage(parts, request),
    export: (signal) => openImageExport(parts, signal),
    restore: (request) => restoreLayers(parts, request),
    fetch: async (blob, { fetch }) => {
      using lease = parts.content.lease(`fetch ${randomUUID()}`, { isTransient: true });
      await fetch(blob, parts.content, lease);
      const kept = parts.content.lease(`read ${randomUUID()}`, { isTransient: true });
      kept.hold(blob.digest);
      return { open: () => parts.content.open(blob.digest), [Symbol.dispose]: () => kept.release() };
    },
    registry: parts.registry,
  };
}

function begin(parts: ImageParts, options: BuildLayersOptions, below: readonly LayerKey[]): BuiltLayer {
  const { layers, layerForm, layersInUse } = parts;
  const { dataRoot, initLayer, facts } = options;
  if (layerForm !== 'overlay') throw errors.needsOverlay(dataRoot);
  if (below.length >= MAX_LAYERS) throw errors.tooManyBuilt(below.length + 1, MAX_LAYERS);
  const pending = layers.begin();
  const { folder } = pending;
  const work = `${folder.slice(0, folder.lastIndexOf('/'))}/work`;
  mkdirSync(work, { mode: 0o700 });
  const seen = seenLayers(parts, below);
  takeAttributes(folder, seen.find(({ givesRoot }) => givesRoot)?.key, parts);
  let held: Disposable | undefined;
  let mounts = 0;
  return {
    folder,
    overlay: ({ withMountPoints }) => {
      const mountPoints = withMountPoints ? [initLayer] : [];
      const long = [...mountPoints, ...seen.map(({ key }) => layers.folder(key))];
      if (long.length === 0) return undefined;
      const isShort = !kernelAtLeast(facts, 6, 8) || long.some((path) => path.length > MAX_OPTION);
      const lowers = isShort ? [...mountPoints, ...seen.map(({ key }) => layers.shortFolder(key))] : long;
      // kernel 5.10: nothing has to be on the disk when it is unmounted, the delayed sync brings it there.
      const volatile = kernelAtLeast(facts, 5, 10) ? ['volatile'] : [];
      // kernel: a work folder of a volatile mount is refused the next time, for it was not synced.
      const own = `${work}/${mounts++}`;
      mkdirSync(own, { mode: 0o700 });
      return [...overlayOptions({ lowers, upper: folder, work: own }, facts), ...volatile];
    },
    commit: async () => {
      await removeTree(work);
      return pending.commitBuilt((key) => {
        held = layersInUse.hold(key);
      });
    },
    [Symbol.asyncDispose]: async () => {
      // Of a committed one nothing is left under its temporary name.
      await pending[Symbol.asyncDispose]();
      held?.[Symbol.dispose]();
    },
  };
}

/** Topmost first, down to the first that hides all below it. */
function seenLayers({ layers }: ImageParts, keys: readonly LayerKey[]): LayerRecord[] {
  const seen: LayerRecord[] = [];
  for (const key of keys.toReversed()) {
    const record = layers.get(key);
    if (!record) throw errors.missingFolder('a layer of a build', layers.folder(key));
    seen.push(record);
    if (record.hidesBelow) break;
  }
  return seen;
}

function takeAttributes(folder: string, giver: LayerKey | undefined, { layers }: ImageParts): void {
  if (giver === undefined) return;
  const { uid, gid, mode } = statSync(layers.folder(giver));
  if (uid !== 0 || gid !== 0) chownSync(folder, uid, gid);
  chmodSync(folder, mode & 0o7777);
}
