/** Removes a container with everything it owns. */
import { rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { causeChain } from '#base';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { isLive, next } from '../lifecycle.ts';
import { removeAnonymous } from '../mounts/container-volumes.ts';
import { dataDirectoryOf, type EngineParts, eventAttributes, findContainer, runDirectoryOf } from '../parts.ts';
import { killAndWait, settleDown } from './stop.ts';

/** Throws `container.removeRunning` for a live container without `force`. */
export async function removeContainer(
  parts: EngineParts,
  reference: string,
  options: { force: boolean; volumes: boolean },
): Promise<void> {
  const { id } = findContainer(parts, reference);
  await parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    if (isLive(record.status)) {
      if (!options.force) throw errors.removeRunning(id, record.status);
      parts.restarts.cancel(id);
      if (!settleDown(parts, id)) await killAndWait(parts, record);
    }
    await parts.live.get(id)?.cleaned;
    await removeRecord(parts, id, options);
  });
}

/**
 * To be called with the container's lock held. Removing what is gone already is no error. `volumes`: with those nobody has
 * named, which is remembered for a daemon that is killed meanwhile.
 */
export async function removeRecord(
  parts: EngineParts,
  id: string,
  options: { readonly volumes: boolean } = { volumes: false },
): Promise<void> {
  const record = parts.containers.get(id);
  if (!record) return;
  const volumes = options.volumes || record.removesVolumes === true || record.settings.host.autoRemove;
  const removing: ContainerRecord = {
    ...record,
    status: next(id, record.status, 'remove'),
    ...(volumes ? { removesVolumes: true } : {}),
  };
  parts.containers.put(removing);
  await sweepFolders(parts, id);
  rmSync(runDirectoryOf(parts.options, id), { recursive: true, force: true });
  if (volumes) await removeAnonymous(parts, record);
  forget(parts, removing);
}

/**
 * `--rm`, for a container that has just ended: who waits for its removal is told at once, and its cgroup and folders go
 * after that. They are the caller's to sweep when this gives true; a daemon that is killed in between leaves them to the
 * next one, as what no record knows. False where somebody else is at it, where the next one would not find the cgroup, and
 * where it failed: the cgroup is to go all the same, and the removal is tried again after it. Never throws.
 */
export async function removeEnded(parts: EngineParts, id: string): Promise<boolean> {
  const record = parts.containers.get(id);
  if (!record || isLive(record.status) || parts.locks.busy(id) || parts.restarts.isHeld(id)) return false;
  const { autoRemove, cgroupParent } = record.settings.host;
  if (!autoRemove || cgroupParent) return false;
  try {
    await parts.locks.run(id, async () => {
      await removeAnonymous(parts, record);
      forget(parts, record);
    });
  } catch (error) {
    parts.log.warn('a container is not removed at once', { container: id, error: causeChain(error) });
    return false;
  }
  await nextTurn();
  return true;
}

/** What a container has on the disk. */
export async function sweepFolders(parts: EngineParts, id: string): Promise<void> {
  await parts.snapshots.remove(id);
  await parts.logCompressor.forget(id);
  rmSync(dataDirectoryOf(parts.options, id), { recursive: true, force: true });
}

function forget(parts: EngineParts, record: ContainerRecord): void {
  const { id } = record;
  parts.attachments.fail(id, errors.noSuch(id));
  parts.containers.delete(id);
  parts.execs.forgetAllOf(id);
  parts.restarts.forget(id);
  parts.shipments.forget(id);
  parts.events.emit('container', 'destroy', id, eventAttributes(record));
}
