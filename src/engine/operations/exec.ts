/** One more process in a running container. */
import { rmSync, mkdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Process } from '#specs';
import { type AttachOptions, attachToShim, type RunningProcess } from '#runtime';
import { tweakCapabilities } from '../capabilities.ts';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import type { ExecInstance, ExecSettings } from '../exec-instances.ts';
import { toOciConfig } from '../oci-config.ts';
import {
  cgroupsPathOf,
  type EngineParts,
  eventAttributes,
  findContainer,
  PROBE_FOLDER,
  runDirectoryOf,
} from '../parts.ts';
import { mergeEnvironment } from '../program.ts';
import { makerOf } from '../runtimes.ts';
import { seccompChoice } from '../security-options.ts';
import { resolveRecordUser } from './launch.ts';

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
  const settings = consoleSize ? { ...instance.settings, consoleSize } : instance.settings;
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  parts.execs.update({ ...instance, state: { status: 'starting', settled } });
  const containerDirectory = runDirectoryOf(parts.options, record.id);
  const runDirectory = `${containerDirectory}/${settings.isProbe ? PROBE_FOLDER : 'exec-'}${id.slice(0, 16)}`;
  mkdirSync(runDirectory, { mode: 0o700 });
  let stream: Promise<Socket> | undefined;
  const connect = (options: AttachOptions): Promise<Socket> => {
    stream = attachToShim(runDirectory, options, { release: true });
    // Why it failed is told by the process that could not be made.
    stream.catch(() => {});
    return stream;
  };
  try {
    const layer = parts.snapshots.open(record.id, record.imageId);
    const { process: spec, namespaces, home } = execProcess(parts, record, settings, layer.folders);
    const process = await makerOf(parts, record).exec({
      id: record.id,
      execId: id,
      process: spec,
      target: { pid: live.process.pid, startTime: live.process.startTime, namespaces },
      cgroupsPath: cgroupsPathOf(parts.options, record),
      containerDirectory,
      runDirectory,
      seccomp: instance.settings.privileged
        ? { kind: 'unconfined' }
        : seccompChoice(record.settings.host, parts.settings.current.seccomp),
      home,
      stdin: instance.settings.attach.stdin,
      hold: attach !== undefined,
      ...(attach ? { onShim: () => void connect(attach) } : {}),
    });
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
    return attach ? { process, stream: await released(process, stream ?? connect(attach)) } : { process };
  } catch (error) {
    void stream?.then(
      (socket) => socket.destroy(),
      () => {},
    );
    const code = execFailureCode(error);
    parts.execs.update({ ...instance, state: { status: 'ended', pid: 0, exitCode: code } });
    rmSync(runDirectory, { recursive: true, force: true });
    throw error;
  } finally {
    settle();
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
  if (state.status !== 'running') throw errors.notRunning(id);
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

/** The container's own process with other arguments: its environment, rights and namespaces. */
function execProcess(parts: EngineParts, record: ContainerRecord, settings: ExecSettings, folders: readonly string[]) {
  const user = resolveRecordUser(record, folders, settings.user || record.program.user);
  const { host } = record.settings;
  const config = toOciConfig({
    record: { ...record, settings: { ...record.settings, tty: settings.tty }, mounts: [] },
    user,
    facts: parts.facts,
    cgroupVersion: parts.runtime.cgroupVersion,
    cgroupsPath: '',
    managedFiles: [],
    mountSources: { volumePath: () => '', imageOptions: () => [] },
    initProgram: '',
  });
  const privileged = settings.privileged || host.privileged;
  const names = tweakCapabilities(host.capAdd, host.capDrop, privileged, parts.facts.boundingCapabilities);
  const term = settings.tty ? ['TERM=xterm'] : [];
  const process: Process = {
    ...config.process!,
    args: settings.args,
    env: mergeEnvironment([term, record.program.env, settings.env]),
    cwd: settings.workingDirectory || record.program.workingDirectory,
    capabilities: { bounding: names, permitted: names, effective: user.uid === 0 ? names : [] },
    ...(settings.consoleSize
      ? { consoleSize: { height: settings.consoleSize.rows, width: settings.consoleSize.columns } }
      : {}),
  };
  return { process, namespaces: (config.linux?.namespaces ?? []).map(({ type }) => type), home: user.home };
}
