/** Ends containers: politely with a time limit, by a signal, or at once. */
import { SkiffError, waitMs } from '#base';
import { SIGKILL } from '#linux';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { isLive, next } from '../lifecycle.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, findContainer } from '../parts.ts';
import { parseSignal } from '../signals.ts';
import { unpauseContainer } from './pause.ts';

const DEFAULT_STOP_SECONDS = 10;

/** compat: negative waits for ever, absent is the container's own, then ten seconds. */
export interface StopOptions {
  readonly signal?: string;
  readonly timeoutSeconds?: number;
  /** The daemon stops, nobody wished this container to: its policy starts it again with the daemon. */
  readonly byDaemon?: boolean;
}

/** Throws `container.alreadyStopped` (not modified) when there is nothing to stop. */
export async function stopContainer(parts: EngineParts, reference: string, options: StopOptions): Promise<void> {
  const record = findContainer(parts, reference);
  if (!isLive(record.status)) throw errors.alreadyStopped();
  const number = parseSignal(options.signal ?? record.program.stopSignal);
  const seconds = options.timeoutSeconds ?? record.settings.stopTimeoutSeconds ?? DEFAULT_STOP_SECONDS;
  parts.restarts.cancel(record.id);
  if (options.byDaemon !== true) parts.containers.put({ ...record, stoppedByUser: true });
  if (await stayedDown(parts, record.id)) {
    parts.events.emit('container', 'stop', record.id, eventAttributes(record));
    return;
  }
  const live = parts.live.get(record.id);
  // Unless somebody else lets it go on, or ends it, first.
  if (record.status === 'paused') await unpauseContainer(parts, record.id).catch(unlessConflict);
  emitKill(parts, record, number);
  await live?.process.signal(number).catch(() => {});
  const ended = live?.recorded ?? Promise.resolve();
  if (!(await endsWithin(ended, seconds))) await killAndWait(parts, findContainer(parts, record.id));
  const after = parts.containers.get(record.id);
  if (after) parts.events.emit('container', 'stop', record.id, eventAttributes(after));
}

/** `docker kill`: a signal; KILL also waits until the container is gone. Throws `container.cannotKill` when it does not run. */
export async function killContainer(parts: EngineParts, reference: string, signal: string): Promise<void> {
  const record = findContainer(parts, reference);
  const number = parseSignal(signal === '' ? 'KILL' : signal);
  if (!isLive(record.status)) throw errors.cannotKill(reference, record.id);
  if (cancelsRestart(record, number)) parts.restarts.cancel(record.id);
  parts.containers.put({ ...record, stoppedByUser: true });
  if (await stayedDown(parts, record.id)) return;
  const live = parts.live.get(record.id);
  if (!live) throw errors.cannotKill(reference, record.id);
  if (number === SIGKILL) {
    await killAndWait(parts, record);
    return;
  }
  emitKill(parts, record, number);
  await live.process.signal(number);
  // compat: what is frozen gets its signal once it goes on, and so it goes on.
  if (record.status === 'paused') await unpauseContainer(parts, record.id).catch(unlessConflict);
}

/** All processes of the container, whatever state it is in; resolves when its end is recorded. */
export async function killAndWait(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const live = parts.live.get(record.id);
  if (!live) return;
  emitKill(parts, record, SIGKILL);
  // The cgroup is the next run's once this one has been cleaned up: that one is nobody's to kill.
  const over = new AbortController();
  void live.cleaned.then(() => over.abort());
  const killed = parts.runtime.killCgroup(cgroupsPathOf(parts.options, record), over.signal).catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  await Promise.all([killed, live.process.signal(SIGKILL).catch(() => {})]);
  await live.recorded;
}

/** compat: a container with a stop signal of its own goes on by its policy after any other signal but KILL. */
function cancelsRestart({ program }: ContainerRecord, number: number): boolean {
  return number === SIGKILL || program.stopSignal === 'SIGTERM' || parseSignal(program.stopSignal) === number;
}

/** True for a container that was between two runs and now is not started again. */
async function stayedDown(parts: EngineParts, id: string): Promise<boolean> {
  if (parts.containers.get(id)?.status !== 'restarting') return false;
  return parts.locks.run(id, async () => settleDown(parts, id));
}

/** To be called with the container's lock held, after its restart was cancelled. */
export function settleDown(parts: EngineParts, id: string): boolean {
  const record = parts.containers.get(id);
  if (record?.status !== 'restarting' || !parts.restarts.isCancelled(id)) return false;
  parts.containers.put({ ...record, status: next(id, record.status, 'exit') });
  parts.restarts.settle(id);
  return true;
}

function emitKill(parts: EngineParts, record: ContainerRecord, number: number): void {
  parts.events.emit('container', 'kill', record.id, { ...eventAttributes(record), signal: String(number) });
}

async function endsWithin(ended: Promise<void>, seconds: number): Promise<boolean> {
  if (seconds < 0) return ended.then(() => true);
  const waiting = new AbortController();
  try {
    return await Promise.race([ended.then(() => true), waitMs(seconds * 1000, waiting.signal).then(() => false)]);
  } finally {
    waiting.abort();
  }
}

function unlessConflict(error: unknown): void {
  if (!(error instanceof SkiffError && (error.kind === 'conflict' || error.kind === 'not-found'))) throw error;
}
