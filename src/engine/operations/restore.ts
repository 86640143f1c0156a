/**
 * After a start of the daemon: compares the records with the shims and the kernel, and makes them agree.
 * There is no other way to recover; an ordered restart takes the same path.
 */
import { readdirSync, rmSync } from 'node:fs';
import { causeChain } from '#base';
import { type ProcessExit, readExitRecord } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { killLeftProbes, startMonitor } from '../health/monitor.ts';
import { hasProcess } from '../lifecycle.ts';
import { identityOf, upstreamsOf } from '../networking.ts';
import { useVolumesAgain } from '../mounts/container-volumes.ts';
import { cgroupsPathBelow, cgroupsPathOf, type EngineParts, runDirectoryOf } from '../parts.ts';
import { noRestart, startsWithDaemon } from '../restart-policy.ts';
import { forgetRun, makerOf } from '../runtimes.ts';
import { unmountLeftMemory } from '../shared-namespaces.ts';
import { adoptLaunched } from './adopt.ts';
import { sizeLimitOf } from './create.ts';
import { endHeldExecs } from './exec-ahead.ts';
import { recordExit, sweepRun } from './exit.ts';
import { removeRecord } from './remove.ts';
import { announceStart, scheduleRestart, shipLines, startContainer, watch } from './start.ts';
import { settleDown } from './stop.ts';

/** Afterwards every record is right, and nothing is left of containers no record knows. */
export async function restoreContainers(parts: EngineParts): Promise<void> {
  // Before anybody else gets an address or a port of theirs.
  const adopted = await adoptAll(parts);
  const wantedRunning = parts.containers.list().filter(({ status, settings, startedAt, stoppedByUser }) => {
    const policy = settings.host.restart ?? noRestart;
    return status === 'exited' && startsWithDaemon(policy, startedAt !== undefined, stoppedByUser);
  });
  await parts.volumes.restore();
  await parts.networks.restore(
    parts.containers.list().flatMap((record) => {
      const { network, process } = record;
      if (!network || !process || !hasProcess(record.status)) return [];
      const servers = upstreamsOf(record);
      return [{ container: identityOf(record), state: network, pid: process.pid, servers }];
    }),
  );
  // Before any of them is found to have ended: nothing is unmounted that another one has.
  for (const record of parts.containers.list()) if (hasProcess(record.status)) useVolumesAgain(parts, record);
  for (const record of adopted) announceStart(parts, record);
  // Before any of them is started again.
  await unmountLeftMemory(parts);
  await Promise.all(parts.containers.list().map((record) => restoreOne(parts, record)));
  await removeOrphans(parts);
  await parts.volumes.unmountUnused();
  await Promise.all(wantedRunning.map((record) => startForPolicy(parts, record)));
}

/** A start may have been cut off of those that do not run by their records, and have a run folder. */
async function adoptAll(parts: EngineParts): Promise<ContainerRecord[]> {
  const candidates = foldersIn(runFolders(parts)).flatMap((id) => {
    const record = parts.containers.get(id);
    const mayStart = record && ['created', 'exited', 'restarting'].includes(record.status) && !record.unfinished;
    return mayStart ? [record] : [];
  });
  const adopted = await Promise.all(candidates.map((record) => adoptLaunched(parts, record)));
  return adopted.filter((record) => record !== undefined);
}

/** compat: a container that cannot be started does not keep the daemon from starting. */
async function startForPolicy(parts: EngineParts, { id }: ContainerRecord): Promise<void> {
  try {
    await startContainer(parts, id);
  } catch (error) {
    parts.log.warn('a container could not be started with the daemon', { container: id, error: causeChain(error) });
  }
}

async function restoreOne(parts: EngineParts, record: ContainerRecord): Promise<void> {
  try {
    if (record.status === 'removing' || record.status === 'dead') await removeRecord(parts, record.id);
    else if (record.unfinished) await removeRecord(parts, record.id, { volumes: true });
    else if (record.status === 'restarting') await waitAgain(parts, record);
    else if (hasProcess(record.status)) await findAgain(parts, record);
    else await clearInterruptedStart(parts, record);
    parts.logCompressor.look(record.id);
  } catch (error) {
    parts.log.error('a container could not be restored', { container: record.id, error: causeChain(error) });
  }
}

/** The shim answers: the container goes on. It left an exit record: that is how it ended. Neither: it was killed with its shim. */
async function findAgain(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const runDirectory = runDirectoryOf(parts.options, record.id);
  const { pid = 0, startTime = '0' } = record.process ?? {};
  const process = makerOf(parts, record).find(record.id, { pid, startTime: BigInt(startTime) }, runDirectory);
  try {
    await process.follow();
  } catch {
    await finish(parts, record, readExitRecord(runDirectory) ?? lostExit());
    return;
  }
  // A daemon that was killed during a commit has left it frozen.
  if (record.status === 'running') parts.runtime.thaw(cgroupsPathOf(parts.options, record));
  await killLeftProbes(parts, record);
  void endHeldExecs(parts, record);
  watch(parts, record.id, process);
  shipLines(parts, record);
  startMonitor(parts, record.id);
}

/** The daemon went between two runs, or in the middle of the next start. */
async function waitAgain(parts: EngineParts, record: ContainerRecord): Promise<void> {
  await clearInterruptedStart(parts, record);
  if (record.stoppedByUser) parts.restarts.cancel(record.id);
  if (!settleDown(parts, record.id)) scheduleRestart(parts, record.id);
}

/** A start that was cut off before its program began: what it built is taken down, the record says created or exited as before. */
async function clearInterruptedStart(parts: EngineParts, record: ContainerRecord): Promise<void> {
  await parts.runtime.killCgroup(cgroupsPathOf(parts.options, record));
  const runDirectory = runDirectoryOf(parts.options, record.id);
  await forgetRun(parts, record, runDirectory);
  await parts.runtime.removeCgroup(cgroupsPathOf(parts.options, record));
  rmSync(runDirectory, { recursive: true, force: true });
  if (record.settings.host.autoRemove && record.status === 'exited') await removeRecord(parts, record.id);
  // A creation may have been cut off between the record and the folders.
  else await parts.snapshots.create(record.id, record.imageId, sizeLimitOf(record.settings.host));
}

async function finish(parts: EngineParts, record: ContainerRecord, exit: ProcessExit): Promise<void> {
  await parts.runtime.killCgroup(cgroupsPathOf(parts.options, record));
  const ended = await recordExit(parts, record.id, exit, () => {});
  if (ended) await sweepRun(parts, ended);
  if (record.settings.host.autoRemove) await removeRecord(parts, record.id);
  scheduleRestart(parts, record.id);
}

const lostExit = (): ProcessExit => ({ code: 137, timeNs: BigInt(Date.now()) * 1_000_000n, oomKills: 0 });

/** One that cannot be removed is there for the next daemon to try, and keeps nobody from starting. */
async function removeOrphans(parts: EngineParts): Promise<void> {
  const { snapshots, runtime, options, log } = parts;
  const known = new Set(parts.containers.list().map(({ id }) => id as string));
  const each = async (ids: readonly string[], remove: (id: string) => unknown): Promise<void> => {
    for (const id of ids) {
      if (known.has(id)) continue;
      try {
        await remove(id);
      } catch (error) {
        log.error('what is left of a container could not be removed', { container: id, error: causeChain(error) });
      }
    }
  };
  const folders = `${options.dataRoot}/containers`;
  await each(snapshots.list(), (id) => snapshots.remove(id));
  await each(foldersIn(folders), (id) => rmSync(`${folders}/${id}`, { recursive: true, force: true }));
  // Of a removal that was cut off: the run folder is the last to go.
  await each(foldersIn(runFolders(parts)), async (id) => {
    await runtime.removeCgroup(cgroupsPathBelow(options.cgroupParent, id));
    rmSync(`${runFolders(parts)}/${id}`, { recursive: true, force: true });
  });
}

const runFolders = ({ options }: EngineParts): string => `${options.execRoot}/containers`;

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
