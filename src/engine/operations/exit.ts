/** What happens when a container's process has ended: record first, tell, give back what others may want, then clean up. */
import { rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { causeChain, formatTimeNs } from '#base';
import type { ProcessExit } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { endedHealth, stopMonitor } from '../health/monitor.ts';
import { next, type Status } from '../lifecycle.ts';
import { releaseVolumes } from '../mounts/container-volumes.ts';
import { announceEndpoints } from '../networking.ts';
import { noRestart, restartsAfter } from '../restart-policy.ts';
import { forgetRun } from '../runtimes.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, runDirectoryOf } from '../parts.ts';
import { unmountSharedMemory } from '../shared-namespaces.ts';

/**
 * `told` is called as soon as the record is right. Gives the record, for `sweepRun`: what is left of the run then is the
 * container's alone. Undefined for a container that is gone.
 */
export async function recordExit(
  parts: EngineParts,
  id: string,
  exit: ProcessExit,
  told: () => void,
): Promise<ContainerRecord | undefined> {
  const before = parts.containers.get(id);
  if (!before) return undefined;
  stopMonitor(parts, id);
  // kernel: the first process outlives its parent, and goes on writing to nobody.
  if (exit.isLost) await killLeft(parts, before);
  const status = statusAfter(parts, before, exit.code);
  const { process: _, network, ...rest } = before;
  const oomKilled = exit.oomKills > 0;
  const record = {
    ...rest,
    ...endedHealth(before),
    status,
    restartCount: before.restartCount + (status === 'restarting' ? 1 : 0),
    exit: { code: exit.code, finishedAt: formatTimeNs(exit.timeNs), oomKilled },
  };
  parts.containers.put(record);
  told();
  parts.events.emit('container', 'die', id, { ...eventAttributes(record), exitCode: String(exit.code) });
  // Who waits is answered first, and asked what comes next while the rest is done.
  await nextTurn();

  if (network) {
    parts.networks.release(id, network);
    announceEndpoints(parts, before, 'disconnect');
  }
  // What it has left behind in a namespace of processes that goes on without it.
  if (before.settings.host.pidMode !== '') await parts.runtime.killCgroup(cgroupsPathOf(parts.options, record));
  await forgetRun(parts, before, runDirectoryOf(parts.options, id));
  await unmountSharedMemory(parts, record);
  await releaseVolumes(parts, record);
  return record;
}

/** The cgroup goes first: a run folder nobody knows is how the next daemon finds one that was left. */
export async function sweepRun(parts: EngineParts, record: ContainerRecord): Promise<void> {
  await parts.runtime.removeCgroup(cgroupsPathOf(parts.options, record));
  rmSync(runDirectoryOf(parts.options, record.id), { recursive: true, force: true });
}

async function killLeft(parts: EngineParts, record: ContainerRecord): Promise<void> {
  try {
    await parts.runtime.killCgroup(cgroupsPathOf(parts.options, record));
  } catch (error) {
    parts.log.error('a container outlives its shim', { container: record.id, error: causeChain(error) });
  }
}

/** A container being removed by force keeps that state; one whose policy wants it waits for its next run. */
function statusAfter(parts: EngineParts, before: ContainerRecord, exitCode: number): Status {
  const { id, status, stoppedByUser, restartCount } = before;
  if (status === 'removing') return status;
  const policy = before.settings.host.restart ?? noRestart;
  const again = !parts.restarts.isCancelled(id) && restartsAfter({ policy, exitCode, stoppedByUser, restartCount });
  return next(id, status, again ? 'restart' : 'exit');
}
