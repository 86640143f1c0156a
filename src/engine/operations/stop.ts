/** Ends containers: politely with a time limit, by a signal, or at once. */
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { isLive } from '../lifecycle.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, findContainer } from '../parts.ts';
import { parseSignal } from '../signals.ts';
import { unpauseContainer } from './pause.ts';

const SIGKILL = 9;
const DEFAULT_STOP_SECONDS = 10;

/** compat: negative waits for ever, absent is the container's own, then ten seconds. */
export interface StopOptions {
  readonly signal?: string;
  readonly timeoutSeconds?: number;
}

/** Throws `container.alreadyStopped` (not modified) when there is nothing to stop. */
export async function stopContainer(parts: EngineParts, reference: string, options: StopOptions): Promise<void> {
  const record = findContainer(parts, reference);
  if (!isLive(record.status)) throw errors.alreadyStopped();
  const number = parseSignal(options.signal ?? record.program.stopSignal);
  const seconds = options.timeoutSeconds ?? record.settings.stopTimeoutSeconds ?? DEFAULT_STOP_SECONDS;
  const live = parts.live.get(record.id);
  parts.containers.put({ ...record, stoppedByUser: true });
  if (record.status === 'paused') await unpauseContainer(parts, record.id);
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
  const live = parts.live.get(record.id);
  if (!isLive(record.status) || !live) throw errors.cannotKill(reference, record.id);
  if (number === SIGKILL) {
    await killAndWait(parts, record);
    return;
  }
  emitKill(parts, record, number);
  await live.process.signal(number);
}

/** All processes of the container, whatever state it is in; resolves when its end is recorded. */
export async function killAndWait(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const live = parts.live.get(record.id);
  emitKill(parts, record, SIGKILL);
  await live?.process.signal(SIGKILL).catch(() => {});
  await parts.runtime.killCgroup(cgroupsPathOf(parts.options, record));
  await live?.recorded;
}

function emitKill(parts: EngineParts, record: ContainerRecord, number: number): void {
  parts.events.emit('container', 'kill', record.id, { ...eventAttributes(record), signal: String(number) });
}

async function endsWithin(ended: Promise<void>, seconds: number): Promise<boolean> {
  if (seconds < 0) return ended.then(() => true);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), seconds * 1000);
  try {
    return await Promise.race([promise, ended.then(() => true)]);
  } finally {
    clearTimeout(timer);
  }
}
