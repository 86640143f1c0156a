/**
 * Which kind of writable layers a data folder has: overlays where they can be mounted, else copies. Tried once and noted,
 * for the layers on disk have the form the one or the other needs.
 */
import type { RecordStores } from '#base';
import { type HostFacts, overlayFault } from '#linux';
import { CopySnapshots } from './copy-snapshots.ts';
import type { ImageStack } from './image-stack.ts';
import { OverlaySnapshots } from './overlay-snapshots.ts';
import type { Snapshots } from './snapshots.ts';

export interface OpenSnapshotsOptions extends ImageStack {
  readonly dataRoot: string;
  readonly records: RecordStores;
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly helperProgram: string;
}

interface DriverRecord {
  readonly version: 1;
  readonly driver: 'overlay2' | 'vfs';
  /** Why there is no overlay. */
  readonly fault?: string;
}

/** Makes the folders that are missing. Throws Node's system errors. */
export function openSnapshots(options: OpenSnapshotsOptions): Snapshots {
  const drivers = options.records.of<DriverRecord>('storage');
  let record = drivers.get('driver');
  if (!record) {
    const fault = overlayFault(options.dataRoot, ['index=off'], options.helperProgram);
    record = fault === undefined ? { version: 1, driver: 'overlay2' } : { version: 1, driver: 'vfs', fault };
    drivers.put('driver', record);
  }
  return record.driver === 'vfs' ? new CopySnapshots(options) : new OverlaySnapshots(options);
}
