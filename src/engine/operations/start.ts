/** Starts a container: note the intent, launch, connect who waits, save, announce; and what follows when it ends. */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { causeChain, formatTimeNs, nowNs, SkiffError } from '#base';
import type { WritableLayer } from '#images';
import { readRootFile } from '#linux';
import { type LaunchRequest, type ProcessExit, type ResolvedUser, type RunningProcess, resolveUser } from '#runtime';
import type { RuntimeConfig } from '#specs';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { isLive, next } from '../lifecycle.ts';
import { managedFiles, writeManagedFiles } from '../managed-files.ts';
import { toOciConfig } from '../oci-config.ts';
import {
  cgroupsPathOf,
  type EngineParts,
  eventAttributes,
  findContainer,
  logPathOf,
  runDirectoryOf,
} from '../parts.ts';
import { runsInit } from '../program.ts';
import { seccompChoice } from '../security-options.ts';
import { recordExit } from './exit.ts';
import { removeRecord } from './remove.ts';

/** Throws `container.noSuch`, the lifecycle's refusals, and why the process could not be started. */
export async function startContainer(parts: EngineParts, reference: string): Promise<void> {
  const { id, status } = findContainer(parts, reference);
  // One that has just ended is cleaned up first; one that runs is refused at once.
  if (!isLive(status)) await parts.live.get(id)?.cleaned;
  await parts.locks.run(id, () => startLocked(parts, findContainer(parts, id)));
}

async function startLocked(parts: EngineParts, before: ContainerRecord): Promise<void> {
  const status = next(before.id, before.status, 'start');
  const { exit: _, process: __, ...rest } = before;
  const intent: ContainerRecord = { ...rest, error: '', stoppedByUser: false, status: before.status };
  let process: RunningProcess;
  try {
    process = await launch(parts, intent);
  } catch (error) {
    failStart(parts, before, error);
    // compat: `--rm` also removes a container that could not be started.
    if (before.settings.host.autoRemove) await removeRecord(parts, before.id);
    throw error;
  }
  const startedAt = formatTimeNs(nowNs());
  const running: ContainerRecord = {
    ...intent,
    status,
    startedAt,
    process: { pid: process.pid, startTime: String(process.startTime) },
  };
  parts.containers.put(running);
  watch(parts, running.id, process);
  // Clients that came while it was being launched.
  await parts.attachments.connect(running.id, process);
  parts.events.emit('container', 'start', running.id, eventAttributes(running));
}

/** Launches the record's program. When it fails, nothing of the attempt is left. */
async function launch(parts: EngineParts, record: ContainerRecord): Promise<RunningProcess> {
  const { options, runtime } = parts;
  const { id } = record;
  const runDirectory = runDirectoryOf(options, id);
  rmSync(runDirectory, { recursive: true, force: true });
  const held = parts.attachments.has(id);
  try {
    prepareBinds(record);
    writeManagedFiles(record, runDirectory);
    const process = await runtime.launch(launchRequest(parts, record, held));
    if (held) {
      await parts.attachments.connect(id, process);
      await process.release();
    }
    return process;
  } catch (error) {
    await runtime.removeCgroup(cgroupsPathOf(options, record));
    rmSync(runDirectory, { recursive: true, force: true });
    throw error;
  }
}

/** Everything the runtime is told of a container. Reads the container's files, makes nothing. */
export function launchRequest(parts: EngineParts, record: ContainerRecord, hold: boolean): LaunchRequest {
  const { options, runtime, facts } = parts;
  const { settings, id } = record;
  const runDirectory = runDirectoryOf(options, id);
  const layer = parts.snapshots.open(id, record.imageId);
  const user = resolveRecordUser(record, layer.folders);
  const config = toOciConfig({
    record,
    user,
    facts,
    cgroupVersion: runtime.cgroupVersion,
    cgroupsPath: cgroupsPathOf(options, record),
    managedFiles: managedFiles(runDirectory),
    initProgram: runtime.helperProgram,
  });
  return {
    id,
    ...rootOf(config, layer, `${options.execRoot}/rootfs`),
    runDirectory,
    seccomp: seccompChoice(settings.host.securityOptions, settings.host.privileged),
    home: user.home,
    makeCwd: { uid: 0, gid: 0 },
    stdin: settings.openStdin,
    stdinOnce: settings.stdinOnce,
    isInit: runsInit(settings.host),
    ...logOf(parts, record),
    // A bind keeps the user's own file system busy: it is let go of at once.
    linger: settings.host.binds.length === 0,
    hold,
  };
}

/** The root: an overlay, or a folder that is named in the config. */
function rootOf(
  config: RuntimeConfig,
  layer: WritableLayer,
  target: string,
): Pick<LaunchRequest, 'config'> & Partial<Pick<LaunchRequest, 'overlay'>> {
  if (layer.kind === 'overlay') return { config, overlay: { target, options: layer.overlayOptions } };
  return { config: { ...config, root: { ...config.root, path: layer.folder } } };
}

/** The user of the container's own files. Throws when there is no such user or group. */
export function resolveRecordUser(
  record: ContainerRecord,
  folders: readonly string[],
  user = record.program.user,
): ResolvedUser {
  const files = {
    passwd: readRootFile(folders, '/etc/passwd') ?? '',
    group: readRootFile(folders, '/etc/group') ?? '',
  };
  return resolveUser(user, files, record.settings.host.groupAdd);
}

/** compat: `-v` makes a missing source folder, `--mount` refuses it. */
function prepareBinds(record: ContainerRecord): void {
  for (const bind of record.settings.host.binds) {
    if (statSync(bind.source, { throwIfNoEntry: false })) continue;
    if (!bind.createSource) throw errors.noMountSource(bind.source);
    mkdirSync(bind.source, { recursive: true });
  }
}

function logOf({ options }: EngineParts, { id, settings }: ContainerRecord): object {
  const { log } = settings.host;
  if (log.driver === 'none') return {};
  return {
    log: { path: logPathOf(options, id), maxBytes: log.maxSizeBytes, maxFiles: log.maxFiles, attributes: '' },
  };
}

/** compat: a container that could not be started keeps the reason, and 127 or 126 as its exit code. */
function failStart(parts: EngineParts, before: ContainerRecord, error: unknown): void {
  const reason = error instanceof Error ? error : new Error(String(error));
  const code = error instanceof SkiffError ? Number(error.details['exitCode'] ?? 128) : 128;
  parts.attachments.fail(before.id, reason);
  parts.log.warn('container did not start', { container: before.id, error: causeChain(error) });
  const exit = { code, finishedAt: formatTimeNs(nowNs()), oomKilled: false };
  parts.containers.put({ ...before, error: reason.message, exit });
}

/** Records the end whenever it comes. Also for containers found again after a restart of the daemon. */
export function watch(parts: EngineParts, id: string, process: RunningProcess): void {
  const recorded = Promise.withResolvers<void>();
  const cleaned = Promise.withResolvers<void>();
  process.onOom = () => {
    const record = parts.containers.get(id);
    if (record) parts.events.emit('container', 'oom', id, eventAttributes(record));
  };
  parts.live.set(id, { process, recorded: recorded.promise, cleaned: cleaned.promise });
  void process.exited.then(async (exit: ProcessExit) => {
    try {
      await recordExit(parts, id, exit, recorded.resolve);
    } catch (error) {
      parts.log.error('cleaning up after a container failed', { container: id, error: causeChain(error) });
    } finally {
      parts.live.delete(id);
      recorded.resolve();
      cleaned.resolve();
    }
    await removeIfAsked(parts, id);
  });
}

/** `--rm`: after all else, so that a removal by force that waits for the clean-up is not waited for here. */
async function removeIfAsked(parts: EngineParts, id: string): Promise<void> {
  if (parts.containers.get(id)?.settings.host.autoRemove !== true) return;
  try {
    await parts.locks.run(id, async () => {
      const record = parts.containers.get(id);
      if (record && !isLive(record.status)) await removeRecord(parts, id);
    });
  } catch (error) {
    parts.log.error('removing a container after its end failed', { container: id, error: causeChain(error) });
  }
}
