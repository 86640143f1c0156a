/**
 * The process of an exec, made and held while its client still reads that the exec was created: nearly everybody starts what
 * was created a moment later, and then nothing is left to do but to let it go.
 *
 * It is a help and no more: what is not started soon, or could not be made, is as if it had never been tried.
 */
import { readdirSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { controlShim, dialShim, type RunningProcess } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import type { ExecInstance, ExecSettings, PreparedExec } from '../exec-instances.ts';
import { type EngineParts, runDirectoryOf } from '../parts.ts';
import { makeExecFolder, makeExecProcess } from './exec-process.ts';

/** So many creations may be meant seriously at once; each is one process. */
const AT_MOST = 8;
/** Longer than a client needs to send its next request. */
const KEPT_MS = 250;
const SIGKILL = 9;

/** To be called when the client has been told that the exec is created. Never throws. */
export function prepareExec(parts: EngineParts, instance: ExecInstance): void {
  const { id, containerId, settings } = instance;
  const record = parts.containers.get(containerId);
  const live = parts.live.get(containerId);
  // The shims of other runtimes hold nothing.
  if (record?.status !== 'running' || !live || record.process?.runtime || parts.preparedExecs.size >= AT_MOST) return;
  const connection = Promise.withResolvers<Socket>();
  let runDirectory: string;
  let process: Promise<RunningProcess>;
  try {
    runDirectory = makeExecFolder(parts, instance, 'ahead');
    const onShim = (): void => connection.resolve(dialShim(runDirectory));
    process = makeExecProcess(parts, record, live.process, { execId: id, settings, runDirectory, hold: true, onShim });
  } catch {
    // Whoever starts it hears why it cannot be.
    return;
  }
  const timer = setTimeout(() => void discardPrepared(parts, id), KEPT_MS).unref();
  const prepared: PreparedExec = { settings, runDirectory, process, connection: connection.promise, timer };
  parts.preparedExecs.set(id, prepared);
  connection.promise.catch(() => {});
  process.then(
    (made) => {
      prepared.pid = made.pid;
      void made.exited.then(() => discardPrepared(parts, id));
    },
    (error: unknown) => {
      connection.reject(error);
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
  parts.preparedExecs.delete(id);
  clearTimeout(prepared.timer);
  return prepared;
}

/** Ends it, unless it was taken. Never throws. */
export async function discardPrepared(parts: EngineParts, id: string): Promise<void> {
  const prepared = parts.preparedExecs.get(id);
  if (!prepared) return;
  parts.preparedExecs.delete(id);
  clearTimeout(prepared.timer);
  await endPrepared(prepared);
}

/** Of one that was taken and is not used. Never throws. */
export async function endPrepared({ process, connection, runDirectory }: PreparedExec): Promise<void> {
  connection.then(
    (socket) => socket.destroy(),
    () => {},
  );
  try {
    const made = await process;
    await made.signal(SIGKILL);
    await made.exited;
  } catch {
    // There is none, or it has gone by itself.
  }
  rmSync(runDirectory, { recursive: true, force: true });
}

/** The daemon stops. */
export async function discardAllPrepared(parts: EngineParts): Promise<void> {
  await Promise.all([...parts.preparedExecs.keys()].map((id) => discardPrepared(parts, id)));
}

/** What a killed daemon left held: nobody would ever let it go. */
export async function endHeldExecs(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const folder = runDirectoryOf(parts.options, record.id);
  for (const name of readdirSync(folder).filter((each) => each.startsWith('exec-'))) {
    try {
      using shim = await controlShim(`${folder}/${name}`, () => {});
      if ((await shim.status()).state !== 'created') continue;
      await shim.signal(SIGKILL);
    } catch {
      // Its shim is gone, or goes.
    }
    rmSync(`${folder}/${name}`, { recursive: true, force: true });
  }
}
