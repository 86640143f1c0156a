/** Starts a container: note the intent, launch, connect who waits, save, announce; and what follows when it ends. */
import { causeChain, formatTimeNs, nowNs, SkiffError } from '#base';
import type { ProcessExit, RunningProcess } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { startMonitor } from '../health/monitor.ts';
import { isLive, next } from '../lifecycle.ts';
import { refreshLinked } from '../links.ts';
import type { LogSink } from '../log-drivers/driver.ts';
import { type EngineParts, eventAttributes, findContainer, logPathOf } from '../parts.ts';
import { announceEndpoints } from '../networking.ts';
import { nextDelayMs } from '../restart-policy.ts';
import { recordExit, sweepRun } from './exit.ts';
import { type Launched, launch } from './launch.ts';
import { removeEnded, removeRecord, sweepFolders } from './remove.ts';
import { recordBeforeRun, recordOfRun, recordToStart } from './run-record.ts';

/** Throws `container.noSuch`, the lifecycle's refusals, and why the process could not be started. */
export async function startContainer(parts: EngineParts, reference: string): Promise<void> {
  const { id } = findContainer(parts, reference);
  await parts.locks.run(id, async () => {
    // One that has just ended is cleaned up first; one that runs is refused at once.
    if (!isLive(findContainer(parts, id).status)) await parts.live.get(id)?.cleaned;
    const record = findContainer(parts, id);
    // compat: between two runs of a restart policy a container counts as running.
    if (record.status === 'restarting') throw errors.alreadyStarted();
    if (!isLive(record.status)) parts.restarts.reset(id);
    await startLocked(parts, recordToStart(record));
  });
}

async function startLocked(parts: EngineParts, before: ContainerRecord): Promise<void> {
  // Refused at once where it cannot be.
  next(before.id, before.status, 'start');
  if (parts.restarts.isClosed) throw errors.shuttingDown();
  const intent = recordBeforeRun(before);
  let launched: Launched;
  using _log = parts.logCompressor.hold(before.id);
  let sink: LogSink | undefined;
  try {
    sink = await parts.shipments.open(intent);
    launched = await launch(parts, intent);
  } catch (error) {
    await sink?.[Symbol.asyncDispose]();
    failStart(parts, latest(parts, before), error);
    // compat: `--rm` also removes a container that could not be started.
    if (before.settings.host.autoRemove) await removeRecord(parts, before.id);
    throw error;
  }
  const { process } = launched;
  const running = recordOfRun(latest(parts, before), { ...launched, startedAt: formatTimeNs(nowNs()) });
  parts.containers.put(running);
  watch(parts, running.id, process);
  shipLines(parts, running, sink);
  // Before anything is waited for: one that ends at once must not be heard to die before it started.
  announceStart(parts, running);
  // Clients that came while it was being launched.
  await parts.attachments.connect(running.id, process);
  if (parts.live.has(running.id)) startMonitor(parts, running.id);
}

/** That somebody stops a container is noted without its lock, also while its policy starts it. */
function latest({ containers }: EngineParts, before: ContainerRecord): ContainerRecord {
  return before.status === 'restarting' ? (containers.get(before.id) ?? before) : before;
}

/** Tells those who listen, and those that are linked to it. */
export function announceStart(parts: EngineParts, running: ContainerRecord): void {
  announceEndpoints(parts, running, 'connect');
  refreshLinked(parts, running.id);
  parts.events.emit('container', 'start', running.id, eventAttributes(running));
}

/** Where its driver sends lines: from here on, until the last one of this run. */
export function shipLines(parts: EngineParts, record: ContainerRecord, sink?: LogSink): void {
  const { recorded } = parts.live.get(record.id)!;
  const path = logPathOf(parts.options, record.id);
  parts.shipments.begin(record, { path, maxFiles: record.settings.host.log.maxFiles, ended: recorded }, sink);
}

/** compat: a container that could not be started keeps the reason, and 127 or 126 as its exit code. */
function failStart(parts: EngineParts, before: ContainerRecord, error: unknown): void {
  const reason = error instanceof Error ? error : new Error(String(error));
  const code = error instanceof SkiffError ? Number(error.details['exitCode'] ?? 128) : 128;
  parts.attachments.fail(before.id, reason);
  parts.log.warn('container did not start', { container: before.id, error: causeChain(error) });
  const exit = { code, finishedAt: formatTimeNs(nowNs()), oomKilled: false };
  const status = before.status === 'restarting' ? next(before.id, before.status, 'exit') : before.status;
  parts.containers.put({ ...before, status, error: reason.message, exit });
}

/** Records the end whenever it comes. Also for containers found again after a restart of the daemon. */
export function watch(parts: EngineParts, id: string, process: RunningProcess): void {
  const recorded = Promise.withResolvers<void>();
  const cleaned = Promise.withResolvers<void>();
  process.onOom = () => {
    const record = parts.containers.get(id);
    if (!record) return;
    if (record.process && !record.process.oomKilled) {
      parts.containers.put({ ...record, process: { ...record.process, oomKilled: true } });
    }
    parts.events.emit('container', 'oom', id, eventAttributes(record));
  };
  process.onRotated = () => parts.logCompressor.look(id);
  parts.live.set(id, { process, recorded: recorded.promise, cleaned: cleaned.promise });
  void process.exited.then(async (exit: ProcessExit) => {
    try {
      const ended = await recordExit(parts, id, exit, recorded.resolve);
      const isGone = await removeEnded(parts, id);
      try {
        if (ended) await sweepRun(parts, ended);
      } finally {
        if (isGone) await sweepFolders(parts, id);
      }
    } catch (error) {
      parts.log.error('cleaning up after a container failed', { container: id, error: causeChain(error) });
    } finally {
      parts.live.delete(id);
      parts.logCompressor.look(id);
      recorded.resolve();
      cleaned.resolve();
    }
    await removeIfAsked(parts, id);
    scheduleRestart(parts, id);
  });
}

/** The next run of a container whose policy wants one, after its delay. Does nothing for any other. */
export function scheduleRestart(parts: EngineParts, id: string): void {
  const record = parts.containers.get(id);
  if (record?.status !== 'restarting') return;
  const delayMs = nextDelayMs(parts.restarts.lastDelayMs(id), ranMs(record));
  parts.restarts.schedule(id, delayMs, () => void startAgain(parts, id));
}

function ranMs({ startedAt, exit }: ContainerRecord): number {
  return Date.parse(exit?.finishedAt ?? '') - Date.parse(startedAt ?? '');
}

/** compat: one that cannot be started again is given up. */
async function startAgain(parts: EngineParts, id: string): Promise<void> {
  try {
    await parts.locks.run(id, async () => {
      const record = parts.containers.get(id);
      if (record?.status !== 'restarting' || parts.restarts.isCancelled(id)) return;
      await startLocked(parts, record);
      parts.restarts.begun(id);
    });
  } catch (error) {
    parts.restarts.settle(id);
    parts.log.warn('a container could not be started again', { container: id, error: causeChain(error) });
  }
}

const hasRun = ({ status }: ContainerRecord): boolean => !isLive(status) && status !== 'created';

/** `--rm`: after all else, so that a removal by force that waits for the clean-up is not waited for here. Never throws. */
export async function removeIfAsked(parts: EngineParts, id: string): Promise<void> {
  if (parts.containers.get(id)?.settings.host.autoRemove !== true) return;
  try {
    await parts.locks.run(id, async () => {
      const record = parts.containers.get(id);
      if (record && hasRun(record) && !parts.restarts.isHeld(id)) await removeRecord(parts, id);
    });
  } catch (error) {
    parts.log.error('removing a container after its end failed', { container: id, error: causeChain(error) });
  }
}
