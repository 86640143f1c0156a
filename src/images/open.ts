/** Puts the module's parts together over one data folder. */
import type { RecordStores } from '#base';
import type { HostFacts } from '#linux';
import { DiskImages } from './disk-images.ts';
import type { Images } from './images.ts';
import { type LayerKey, layerKey, LayerStore } from './layers/layer-store.ts';
import { openSnapshots } from './snapshots/open-snapshots.ts';
import type { Snapshots } from './snapshots/snapshots.ts';

export interface OpenImagesOptions {
  readonly dataRoot: string;
  readonly records: RecordStores;
  readonly facts: Pick<HostFacts, 'kernel'>;
  /** The native helper: it unpacks layers, and is the program of the image `hello`. */
  readonly helperProgram: string;
}

/**
 * Opens the images and writable layers of a data folder, makes the folders that are missing, and removes what a crash
 * left half-made. One process at a time. Throws Node's system errors.
 */
export function openImages(options: OpenImagesOptions): { images: Images; snapshots: Snapshots } {
  const { dataRoot, records, facts, helperProgram } = options;
  const layers = new LayerStore({ dataRoot, records, helperProgram });
  const images = new DiskImages({ dataRoot, records, layers, helperProgram });
  const stackOf = (imageId: string): LayerKey[] | undefined => images.get(imageId)?.layers.map((id) => layerKey(id));
  return { images, snapshots: openSnapshots({ dataRoot, records, facts, helperProgram, stackOf, layers }) };
}
