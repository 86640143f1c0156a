/**
 * Which kind of writable layers a data folder has: overlays where they can be mounted, else copies. Tried once and noted,
 * for the layers on disk have the form the one or the other needs.
 */
import type { RecordStores } from '#base';
import { type HostFacts, overlayFault } from '#linux';
import { errors } from '../errors.ts';
import { CopySnapshots } from './copy-snapshots.ts';
import type { ImageStack } from './image-stack.ts';
import { OverlaySnapshots } from './overlay-snapshots.ts';
import type { Snapshots } from './snapshots.ts';

export interface OpenSnapshotsOptions extends ImageStack {
  readonly dataRoot: string;
  readonly records: RecordStores;
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly helperProgram: string;
  /** The one to use; undefined: the better one that works. */
  readonly driver?: 'overlay2' | 'vfs' | undefined;
}

interface DriverRecord {
  readonly version: 1;
  readonly driver: 'overlay2' | 'vfs';
  /** Why there is no overlay. */
  readonly fault?: string;
}

/** Makes the folders that are missing. Throws `image.otherDriver`, `image.noOverlay` and Node's system errors. */
export function openSnapshots(options: OpenSnapshotsOptions): Snapshots {
  const drivers = options.records.of<DriverRecord>('storage');
  let record = drivers.get('driver');
  if (!record) {
    record = choose(options);
    drivers.put('driver', record);
  }
  if (options.driver !== undefined && options.driver !== record.driver) {
    throw errors.otherDriver(options.dataRoot, record.driver, options.driver);
  }
  return record.driver === 'vfs' ? new CopySnapshots(options) : new OverlaySnapshots(options);
}

function choose({ driver, dataRoot, helperProgram }: OpenSnapshotsOptions): DriverRecord {
  if (driver === 'vfs') return { version: 1, driver, fault: 'asked for' };
  const fault = overlayFault(dataRoot, ['index=off'], helperProgram);
  if (fault === undefined) return { version: 1, driver: 'overlay2' };
  if (driver === 'overlay2') throw errors.noOverlay(dataRoot, fault);
  return { version: 1, driver: 'vfs', fault };
}
