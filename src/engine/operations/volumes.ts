/** Volumes made and removed by themselves, and what they take on the disk. */
import { causeChain, SkiffError } from '#base';
import { measureTree } from '#linux';
import { isAnonymous, type VolumeRecord, type VolumeRequest } from '#volumes';
import { holdersOf, volumeHolders } from '../mounts/mount-point.ts';
import type { EngineParts } from '../parts.ts';

export interface VolumeUse {
  readonly record: VolumeRecord;
  /** Of its files. */
  readonly sizeBytes: number;
  /** How many containers have it, in whatever state. */
  readonly containers: number;
}

/** compat: told also of one that was there. Throws what `Volumes.create` refuses. */
export async function createVolume(parts: EngineParts, request: VolumeRequest): Promise<VolumeRecord> {
  const { record } = await parts.volumes.create(request);
  parts.events.emit('volume', 'create', record.name, { driver: record.driver });
  return record;
}

/** Throws `volume.noSuch`, unless forced, and `volume.inUse`. */
export async function removeVolume(
  parts: EngineParts,
  name: string,
  { force }: { readonly force: boolean },
): Promise<void> {
  if (force && !parts.volumes.list().some((record) => record.name === name)) return;
  await parts.volumes.remove(name, () => holdersOf(parts.containers.list(), name));
  parts.events.emit('volume', 'destroy', name, { driver: 'local' });
}

/** Those that match, by name. */
export function findVolumes(
  parts: EngineParts,
  matches: (record: VolumeRecord, isUsed: boolean) => boolean,
): VolumeRecord[] {
  const holders = volumeHolders(parts.containers.list());
  return parts.volumes
    .list()
    .filter((record) => matches(record, holders.has(record.name)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Removes volumes no container has. compat: those whose files are elsewhere stay, and so do, unless `all`, those somebody
 * has named. One that cannot be removed stays.
 */
export async function pruneVolumes(
  parts: EngineParts,
  { all, matches }: { readonly all: boolean; readonly matches: (record: VolumeRecord) => boolean },
  signal?: AbortSignal,
): Promise<{ readonly names: readonly string[]; readonly freedBytes: number }> {
  const names: string[] = [];
  let freedBytes = 0;
  const unused = findVolumes(parts, (record, isUsed) => !isUsed && isPlain(record) && (all || isAnonymous(record)));
  for (const record of unused) {
    if (signal?.aborted === true) break;
    if (!matches(record)) continue;
    try {
      const bytes = await measureTree(parts.volumes.pathOf(record.name));
      await removeVolume(parts, record.name, { force: false });
      freedBytes += bytes;
      names.push(record.name);
    } catch (error) {
      // Somebody else was faster.
      if (error instanceof SkiffError && error.kind === 'not-found') continue;
      parts.log.warn('a volume could not be pruned', { volume: record.name, error: causeChain(error) });
    }
  }
  parts.events.emit('volume', 'prune', '', { reclaimed: String(freedBytes) });
  return { names, freedBytes };
}

/** compat: those whose files are elsewhere are not counted. */
export async function measureVolumes(parts: EngineParts): Promise<VolumeUse[]> {
  const holders = volumeHolders(parts.containers.list());
  const uses: VolumeUse[] = [];
  // One after the other: a folder is open meanwhile.
  for (const record of parts.volumes.list().filter(isPlain)) {
    const sizeBytes = await measureTree(parts.volumes.pathOf(record.name));
    uses.push({ record, sizeBytes, containers: holders.get(record.name)?.size ?? 0 });
  }
  return uses;
}

const isPlain = ({ options }: VolumeRecord): boolean => Object.keys(options ?? {}).length === 0;
