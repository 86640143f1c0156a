/**
 * The process of an exec, made and held while its client still reads that the exec was created: nearly everybody starts what
 * was created a moment later, and then nothing is left to do but to let it go.
 *
 * It is a help and no more: what is not started soon, or could not be made, is as if it had never been tried.
 */
import { readdirSync, rmSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { SIGKILL } from '#linux';
import { controlShim, dialShim, type RunningProcess } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import type { ExecInstance, ExecSettings, PreparedExec } from '../exec-instances.ts';
import { type EngineParts, runDirectoryOf } from '../parts.ts';
import { makeExecFolder, makeExecProcess } from './exec-process.ts';

/** So many creations may be meant seriously at once; each is one process. */
const AT_MOST = 8;
/** Longer than a client needs to send its next request. */
const KEPT_MS = 250;
/** For what is under way when the daemon stops. */
const PATIENCE_MS = 500;

/** To be called when the client has been told that the exec is created. Never throws. */
export function prepareExec(parts: EngineParts, instance: ExecInstance): void {
  const { id, containerId, settings } = instance;
  const record = parts.containers.get(containerId);
  const live = parts.live.get(containerId);
  // The shims of other runtimes hold nothing.
  if (record?.status !== 'running' || !live || record.process?.runtime || parts.preparedExecs.size >= AT_MOST) return;
  const shim = Promise.withResolvers<void>();
  let runDirectory: string;
  try {
    runDirectory = makeExecFolder(parts, instance, 'ahead');
  } catch {
    // Whoever starts it hears why it cannot be.
    return;
  }
  const wish = { execId: id, settings, runDirectory, hold: true, onShim: shim.resolve };
  const process = makeExecProcess(parts, record, live.process, wish);
  const timer = setTimeout(() => void discardPrepared(parts, id), KEPT_MS).unref();
  const connection = shim.promise.then(() => dialShim(runDirectory));
  connection.catch(() => {});
  const prepared: PreparedExec = { settings, runDirectory, process, connection, timer };
  parts.preparedExecs.set(id, prepared);
  process.then(
    (made) => {
      prepared.pid = made.pid;
      void made.exited.then(() => discardPrepared(parts, id));
    },
    (error: unknown) => {
      shim.reject(error);
      void discardPrepared(parts, id);
    },
  );
}

/** The one that is there for this exec, which is the caller's from now on. With another size of the terminal it is of no use. */
export function takePrepared(
  parts: EngineParts,
  id: string,
  consoleSize: ExecSettings['consoleSize'],
): PreparedExec | undefined {
  const prepared = parts.preparedExecs.get(id);
  if (!prepared) return undefined;
  const { rows, columns } = prepared.settings.consoleSize ?? {};
  if (consoleSize && (consoleSize.rows !== rows || consoleSize.columns !== columns)) {
    void discardPrepared(parts, id);
    return undefined;
  }
  return forget(parts, id);
}

/** Ends it, unless it was taken. Never throws. */
async function discardPrepared(parts: EngineParts, id: string): Promise<void> {
  const prepared = forget(parts, id);
  if (!prepared) return;
  const made = await kill(prepared);
  await made?.exited;
  clear(prepared);
}

/** The daemon stops. One that is being made in a paused container is not there before that goes on, and is left to its shim. */
export async function discardAllPrepared(parts: EngineParts): Promise<void> {
  const left = [...parts.preparedExecs.keys()].map((id) => forget(parts, id)!);
  await Promise.race([Promise.all(left.map(kill)), after(PATIENCE_MS)]);
  left.forEach(clear);
}

function forget(parts: EngineParts, id: string): PreparedExec | undefined {
  const prepared = parts.preparedExecs.get(id);
  parts.preparedExecs.delete(id);
  clearTimeout(prepared?.timer);
  return prepared;
}

function clear({ runDirectory }: Pick<PreparedExec, 'runDirectory'>): void {
  try {
    rmSync(runDirectory, { recursive: true, force: true });
  } catch {
    // Somebody else is at it: the end of the container takes all along.
  }
}

/** Gives the process that is about to end, if there was one. Never throws. */
async function kill({ process, connection }: PreparedExec): Promise<RunningProcess | undefined> {
  connection.then(
    (socket) => socket.destroy(),
    () => {},
  );
  try {
    const made = await process;
    await made.signal(SIGKILL);
    return made;
  } catch {
    // It could not be made, or has gone by itself.
    return undefined;
  }
}

/**
 * What a killed daemon left held: nobody would ever let it go. In a paused container it may take until that goes on. Never throws.
 */
export async function endHeldExecs(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const folder = runDirectoryOf(parts.options, record.id);
  let names: string[] = [];
  try {
    names = readdirSync(folder).filter((each) => each.startsWith('exec-'));
  } catch {
    // The container has ended.
  }
  await Promise.all(names.map((name) => endIfHeld(`${folder}/${name}`)));
}

async function endIfHeld(runDirectory: string): Promise<void> {
  try {
    using shim = await controlShim(runDirectory, () => {});
    if ((await shim.status()).state !== 'created') return;
    await shim.signal(SIGKILL);
    // It writes down how its process ended.
    await shim.closed;
  } catch {
    // Its shim is gone, or goes.
  }
  clear({ runDirectory });
}
