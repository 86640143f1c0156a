/** Puts the module's parts together over one data folder. */
import { KeyedMutex, type Log, type RecordStores } from '#base';
import type { HostFacts } from '#linux';
import type { RegistryClient } from '#registry';
import { attestationsOf } from './attestations.ts';
import { type BuildLayers, openBuildLayers } from './build-layers.ts';
import { checkImages } from './check.ts';
import { collectGarbage } from './collect.ts';
import { commitImage } from './commit.ts';
import { hostPlatform } from './config-json.ts';
import { DiskContentStore } from './content/disk-content-store.ts';
import { DelayedSync } from './delayed-sync.ts';
import { lookUpImage } from './find.ts';
import { imageHistory } from './history.ts';
import { ImageIndex } from './image-index.ts';
import { imageForPlatform, isRooted, lookAtPlatform, membersOf, rootedManifests } from './image-roots.ts';
import type { ImageEvent } from './image-parts.ts';
import type { Images } from './images.ts';
import { importImage } from './import.ts';
import { LayersInUse } from './layers-in-use.ts';
import { type LayerKey, LayerStore } from './layers/layer-store.ts';
import { openLayerUnpacker } from './layers/layer-unpacker.ts';
import { loadImages } from './load.ts';
import { pullImages } from './pull.ts';
import { pushImages } from './push.ts';
import { recoverUnsynced } from './recover-unsynced.ts';
import { pruneImages, removeImage } from './remove.ts';
import { saveImages } from './save.ts';
import { makeInitLayer } from './snapshots/init-layer.ts';
import { openSnapshots } from './snapshots/open-snapshots.ts';
import type { Snapshots } from './snapshots/snapshots.ts';
import { tagImage } from './tag.ts';
import { imageUsage } from './usage.ts';

export interface OpenImagesOptions {
  readonly dataRoot: string;
  readonly records: RecordStores;
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly registry: RegistryClient;
  readonly log: Log;
  /** The one to use; undefined: the better one that works. */
  readonly storageDriver?: 'overlay2' | 'vfs' | undefined;
  /** The native helper: it unpacks and packs layers, and is the program of the image `hello`. */
  readonly helperProgram: string;
  readonly announce?: (event: ImageEvent) => void;
  /** Layers that are wanted without an image that has them: those of the build cache. */
  readonly holdsLayers?: () => Iterable<LayerKey>;
}

/**
 * Opens the images and writable layers of a data folder, makes the folders that are missing, and removes what a crash
 * left half-made. One process at a time. Throws Node's system errors.
 */
export async function openImages(
  options: OpenImagesOptions,
): Promise<{ images: Images; snapshots: Snapshots; buildLayers: BuildLayers } & AsyncDisposable> {
  const { dataRoot, records, facts, registry, helperProgram, log, announce = () => {}, storageDriver } = options;
  await using undo = new AsyncDisposableStack();
  const delay = undo.use(new DelayedSync({ records, dataRoot, helperProgram, log }));
  const layers = new LayerStore({ dataRoot, records, helperProgram, delay });
  const index = new ImageIndex(records);
  const stackOf = (imageId: string) => index.get(imageId)?.layers.map(({ key }) => key);
  const snapshots = openSnapshots({ dataRoot, records, facts, helperProgram, stackOf, layers, driver: storageDriver });
  const parts = {
    content: new DiskContentStore({ folder: `${dataRoot}/content`, records, delay }),
    layers,
    layerForm: snapshots.layerForm,
    unpacker: undo.use(openLayerUnpacker({ helperProgram, form: snapshots.layerForm })),
    layersInUse: new LayersInUse(options.holdsLayers),
    index,
    registry,
    locks: new KeyedMutex(),
    host: hostPlatform(),
    facts,
    helperProgram,
    announce,
  };
  parts.layers.repair();
  const lostSince = delay.lostSince();
  if (lostSince !== undefined) {
    await recoverUnsynced(parts, lostSince, log);
    await delay.recovered();
  }
  await collectGarbage(parts);
  const images: Images = {
    find: (reference) => lookUpImage(parts, reference),
    get: (id) => parts.index.get(id),
    list: () => parts.index.list(),
    forPlatform: (reference, platform) => imageForPlatform(parts, reference, platform),
    lookAt: (reference, platform) => lookAtPlatform(parts, reference, platform),
    members: (image) => membersOf(parts, image),
    isOfIndex: () => {
      const rooted = rootedManifests(parts, parts.index.list());
      return (image) => isRooted(image, rooted);
    },
    attestations: (reference, platform) => attestationsOf(parts, reference, platform),
    import: (tar, request) => importImage(parts, tar, request),
    commit: (request) => commitImage(parts, request),
    load: (archive, request) => loadImages(parts, archive, request),
    save: (references, request) => saveImages(parts, references, request),
    pull: (reference, request) => pullImages(parts, reference, request),
    push: (reference, request) => pushImages(parts, reference, request),
    tag: (source, target) => tagImage(parts, source, target),
    history: (reference, platform) => imageHistory(parts, reference, platform),
    remove: (request) => removeImage(parts, request),
    prune: (request, inUse) => pruneImages(parts, request, inUse),
    usage: () => imageUsage(parts),
    check: (request) => checkImages(parts, request),
  };
  const buildLayers = openBuildLayers(parts, { dataRoot, initLayer: makeInitLayer(dataRoot), facts });
  const resources = undo.move();
  return { images, snapshots, buildLayers, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
