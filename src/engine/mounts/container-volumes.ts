/** A container's volumes: had while it runs, and gone with it when nobody named them. */
import { causeChain, newContainerId, SkiffError } from '#base';
import type { ContainerRecord } from '../container-record.ts';
import type { EngineParts } from '../parts.ts';
import { holdersOf, volumePointsOf } from './mount-point.ts';
import type { VolumeMountPoint } from './mount-setting.ts';

/** Of the local driver's, which is the only one. */
const driver = 'local';

/** Has them ready for a start. When it fails, none is kept. Throws `volume.noSuch` and `volume.cannotMount`. */
export async function useVolumes(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const used: VolumeMountPoint[] = [];
  try {
    for (const point of volumePointsOf(record)) {
      await parts.volumes.use(point.name, record.id);
      used.push(point);
      parts.events.emit('volume', 'mount', point.name, {
        driver,
        container: record.id,
        destination: point.setting.destination,
        'read/write': String(!point.readonly),
        propagation: '',
      });
    }
  } catch (error) {
    for (const point of used) await release(parts, record, point);
    throw error;
  }
}

/** After its end. A volume that cannot be unmounted is the operator's to see to, and is told in the log. */
export async function releaseVolumes(parts: EngineParts, record: ContainerRecord): Promise<void> {
  for (const point of volumePointsOf(record)) await release(parts, record, point);
}

/** Of a container that ran when the daemon ended. */
export function useVolumesAgain(parts: EngineParts, record: ContainerRecord): void {
  for (const { name } of volumePointsOf(record)) parts.volumes.useAgain(name, record.id);
}

/** Mounted for a look at a container that does not run, until it is disposed. */
export async function holdVolumes({ volumes, log }: EngineParts, record: ContainerRecord): Promise<AsyncDisposable> {
  const holder = newContainerId();
  await using stack = new AsyncDisposableStack();
  for (const { name } of volumePointsOf(record)) {
    if (!volumes.isMount(name)) continue;
    await volumes.use(name, holder);
    stack.defer(() =>
      volumes.release(name, holder).catch((error: unknown) => {
        log.error('a volume could not be let go of', { volume: name, error: causeChain(error) });
      }),
    );
  }
  return stack.move();
}

/** compat: those without a name of their own, unless another container has them. */
export async function removeAnonymous(parts: EngineParts, record: ContainerRecord): Promise<void> {
  for (const { setting, name } of volumePointsOf(record)) {
    if (setting.name === '') await removeQuietly(parts, name, record.id);
  }
}

async function release(parts: EngineParts, record: ContainerRecord, { name }: VolumeMountPoint): Promise<void> {
  try {
    await parts.volumes.release(name, record.id);
  } catch (error) {
    parts.log.error('a volume could not be let go of', { volume: name, error: causeChain(error) });
  }
  parts.events.emit('volume', 'unmount', name, { driver, container: record.id });
}

/** A volume of a container's that goes with it, unless another container has it. */
export async function removeQuietly(parts: EngineParts, name: string, without: string): Promise<void> {
  try {
    await parts.volumes.remove(name, () => holdersOf(parts.containers.list(), name).filter((id) => id !== without));
    parts.events.emit('volume', 'destroy', name, { driver });
  } catch (error) {
    // Another container has it, or somebody was faster.
    if (error instanceof SkiffError && ['conflict', 'not-found'].includes(error.kind)) return;
    parts.log.error('a volume could not be removed', { volume: name, error: causeChain(error) });
  }
}
