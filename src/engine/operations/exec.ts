/** One more process in a running container. */
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type AttachOptions, attachToShim, type RunningProcess } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import type { ExecInstance, ExecSettings, PreparedExec } from '../exec-instances.ts';
import { type EngineParts, eventAttributes, findContainer } from '../parts.ts';
import { takePrepared } from './exec-ahead.ts';
import { makeExecFolder, makeExecProcess } from './exec-process.ts';

/** Throws `container.notRunning`, `container.pausedExec`, `container.noCommand`. */
export function createExec(parts: EngineParts, reference: string, settings: ExecSettings): ExecInstance {
  const record = runningRecord(parts, reference);
  if (settings.args.length === 0 || settings.args[0] === '') throw errors.noExecCommand();
  const instance = parts.execs.create(record.id, settings);
  const command = `exec_create: ${settings.args.join(' ')}`;
  parts.events.emit('container', command, record.id, { ...eventAttributes(record), execID: instance.id });
  return instance;
}

/** Whoever ends the container first takes the folder along. */
const CLEANUP_DELAY_MS = 20;

export interface StartedExec {
  readonly process: RunningProcess;
  /** With `attach`. */
  readonly stream?: Socket;
}

/**
 * Runs it, on a terminal of this size rather than the one it was created with. With `attach` the process begins only once
 * the stream is connected.
 * Throws `container.noSuchExec`, `container.execRunning`, and why the process could not be started.
 */
export async function startExec(
  parts: EngineParts,
  id: string,
  attach: AttachOptions | undefined,
  consoleSize?: ExecSettings['consoleSize'],
): Promise<StartedExec> {
  const instance = findExec(parts, id);
  if (instance.state.status !== 'created') throw errors.execRunning(id);
  const record = runningRecord(parts, instance.containerId);
  const live = parts.live.get(record.id);
  if (!live) throw errors.notRunning(record.id);
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  parts.execs.update({ ...instance, state: { status: 'starting', settled } });
  let run: ExecRun | undefined;
  try {
    run = beginRun(parts, record, live.process, instance, attach, consoleSize);
    const { runDirectory } = run;
    const process = await run.process;
    parts.execs.update({ ...instance, state: { status: 'running', process } });
    void process.exited.then((exit) => {
      parts.execs.update({ ...instance, state: { status: 'ended', pid: process.pid, exitCode: exit.code } });
      // Not while a client waits for the end of its output.
      setTimeout(() => rmSync(runDirectory, { recursive: true, force: true }), CLEANUP_DELAY_MS);
      const attributes = { ...eventAttributes(record), execID: id, exitCode: String(exit.code) };
      parts.events.emit('container', 'exec_die', record.id, attributes);
    });
    const command = `exec_start: ${instance.settings.args.join(' ')}`;
    parts.events.emit('container', command, record.id, { ...eventAttributes(record), execID: id });
    return run.stream ? { process, stream: await released(process, run.stream.connect()) } : { process };
  } catch (error) {
    const code = execFailureCode(error);
    parts.execs.update({ ...instance, state: { status: 'ended', pid: 0, exitCode: code } });
    run?.stream?.destroy();
    if (run) rmSync(run.runDirectory, { recursive: true, force: true });
    throw error;
  } finally {
    settle();
  }
}

interface ExecRun {
  readonly runDirectory: string;
  /** It runs, or is held until `stream` is connected. */
  readonly process: Promise<RunningProcess>;
  /** With `attach`. */
  readonly stream?: ReleasingStream;
}

/** Takes the process that was made ahead, or makes one. Throws, at once or by `process`, why there is none. */
function beginRun(
  parts: EngineParts,
  record: ContainerRecord,
  container: RunningProcess,
  instance: ExecInstance,
  attach: AttachOptions | undefined,
  consoleSize: ExecSettings['consoleSize'],
): ExecRun {
  const prepared = takePrepared(parts, instance.id, consoleSize);
  if (prepared && attach) {
    const stream = new ReleasingStream(prepared.runDirectory, attach, prepared.connection);
    void stream.connect();
    return { ...prepared, stream };
  }
  if (prepared) return { ...prepared, process: releaseAlone(prepared) };
  const runDirectory = makeExecFolder(parts, instance, 'when started');
  const stream = attach && new ReleasingStream(runDirectory, attach);
  const process = makeExecProcess(parts, record, container, {
    execId: instance.id,
    settings: consoleSize ? { ...instance.settings, consoleSize } : instance.settings,
    runDirectory,
    hold: attach !== undefined,
    ...(stream ? { onShim: () => void stream.connect() } : {}),
  });
  return { runDirectory, process, ...(stream ? { stream } : {}) };
}

/** Nobody listens to what it writes. */
async function releaseAlone({ process, connection }: PreparedExec): Promise<RunningProcess> {
  void connection.then(
    (socket) => socket.destroy(),
    () => {},
  );
  const made = await process;
  await made.release();
  return made;
}

/** A client's connection, with which a held process begins. */
class ReleasingStream {
  readonly #runDirectory: string;
  readonly #options: AttachOptions;
  readonly #dialed: Promise<Socket> | undefined;
  #connected: Promise<Socket> | undefined;

  /** `dialed`: a connection to the shim that is there already. */
  constructor(runDirectory: string, options: AttachOptions, dialed?: Promise<Socket>) {
    this.#runDirectory = runDirectory;
    this.#options = options;
    this.#dialed = dialed;
  }

  /** The same each time. */
  connect(): Promise<Socket> {
    this.#connected ??= attachToShim(this.#runDirectory, this.#options, { release: true }, this.#dialed);
    // Why it failed is told by the process that could not be made.
    this.#connected.catch(() => {});
    return this.#connected;
  }

  destroy(): void {
    void this.#connected?.then(
      (socket) => socket.destroy(),
      () => {},
    );
  }
}

/** It runs from when its stream is there. A stream nobody reads would keep its shim for ever. */
async function released(process: RunningProcess, connecting: Promise<Socket>): Promise<Socket> {
  const stream = await connecting;
  try {
    await process.started;
    return stream;
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

/** Whether it may be started now. Throws `container.noSuchExec`, `container.execRunning`, `container.notRunning`. */
export function checkExecStart(parts: EngineParts, id: string): void {
  const instance = findExec(parts, id);
  if (instance.state.status !== 'created') throw errors.execRunning(id);
  runningRecord(parts, instance.containerId);
}

/** Throws `container.noSuchExec`. */
export function findExec(parts: EngineParts, id: string): ExecInstance {
  const instance = parts.execs.get(id);
  if (!instance) throw errors.noSuchExec(id);
  return instance;
}

/** compat: a client may send the size as soon as its stream is there, and the process a moment later. */
export async function resizeExec(parts: EngineParts, id: string, rows: number, columns: number): Promise<void> {
  const { state: first } = findExec(parts, id);
  if (first.status === 'starting') await first.settled;
  const { state } = findExec(parts, id);
  if (state.status !== 'running') throw errors.execNotRunning(id);
  await state.process.resize(rows, columns);
}

function runningRecord(parts: EngineParts, reference: string): ContainerRecord {
  const record = findContainer(parts, reference);
  if (record.status === 'paused') throw errors.pausedExec(record.id);
  if (record.status === 'restarting') throw errors.restarting(record.id);
  if (record.status !== 'running') throw errors.notRunning(record.id);
  return record;
}

function execFailureCode(error: unknown): number {
  const details = (error as { details?: Readonly<Record<string, unknown>> }).details;
  return Number(details?.['exitCode'] ?? 126);
}
