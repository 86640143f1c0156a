/**
 * A launch whose result nobody noted, as a daemon was killed that moment: what the shim's socket and the run folder tell of it.
 *
 * A process that is held is ended: who was to let it go is gone, and its start has been answered by nobody. One whose program
 * has begun goes on, or has ended, and is somebody's to take up.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { SIGKILL } from '#linux';
import { errors } from './errors.ts';
import { type ProcessIdentity, readExitRecord, readPidRecord } from './running-process.ts';
import { controlShim, type ShimControl } from './shim-client.ts';

/** A shim that performs its plan answers nobody; hooks and mounts in it take their time. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 10;

export interface BegunProcess extends ProcessIdentity {
  /** When its process was there; its program ran from then on, or a moment later. */
  readonly startedAtNs: bigint;
}

/**
 * The process of such a launch once its program has begun; it may have ended, which `readExitRecord` tells. Undefined when none
 * ever will. `hasProgram` asks who knows better than the shim whether a process is still held. Throws `runtime.launchStuck`.
 */
export async function settleLaunch(
  runDirectory: string,
  hasProgram: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<BegunProcess | undefined> {
  if (!existsSync(`${runDirectory}/shim.sock`)) return ended(runDirectory);
  let begun: ProcessIdentity | undefined;
  try {
    using control = await connect(runDirectory, (process) => (begun = process));
    const status = await settledStatus(control, runDirectory);
    if (status.state === 'running' && (await hasProgram())) return timed(runDirectory, status);
    if (status.state === 'exited') return ended(runDirectory);
    const startedAtNs = startTimeOf(runDirectory);
    // First: its exit record is not to be taken for the end of a run.
    rmSync(`${runDirectory}/pid`, { force: true });
    await control.signal(SIGKILL);
    await within(control.closed, runDirectory);
    // It had been let go the moment its daemon was killed, and was faster than the signal.
    return status.state === 'created' && begun ? { ...begun, startedAtNs } : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'runtime.launchStuck') throw error;
    // The shim has gone: its plan has failed, or its container has ended.
    return ended(runDirectory);
  }
}

/** Answered once the plan has been performed, and its connection is of use to nobody later. */
async function connect(runDirectory: string, onStarted: (process: ProcessIdentity) => void): Promise<ShimControl> {
  const opening = controlShim(runDirectory, (event) => {
    if (event.type === 'started') onStarted({ pid: event.pid, startTime: event.startTime });
  });
  try {
    return await within(opening, runDirectory);
  } catch (error) {
    void opening.then(
      (control) => control[Symbol.dispose](),
      () => {},
    );
    throw error;
  }
}

/** Another runtime makes the process while the shim answers already. */
async function settledStatus(control: ShimControl, runDirectory: string): ReturnType<ShimControl['status']> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const status = await control.status();
    if (status.state !== 'setting-up') return status;
    if (performance.now() > deadline) throw errors.launchStuck(runDirectory, PATIENCE_MS / 1000);
    await pause(LOOK_MS);
  }
}

/** One that has ended was there: `pid` says so, and only a shim that failed takes that away. */
function ended(runDirectory: string): BegunProcess | undefined {
  const process = readPidRecord(runDirectory);
  return process && readExitRecord(runDirectory) ? timed(runDirectory, process) : undefined;
}

const timed = (runDirectory: string, { pid, startTime }: ProcessIdentity): BegunProcess => ({
  ...{ pid, startTime },
  startedAtNs: startTimeOf(runDirectory),
});

/** `pid` is written when the process is there, and never again. */
function startTimeOf(runDirectory: string): bigint {
  return statSync(`${runDirectory}/pid`, { bigint: true }).mtimeNs;
}

async function within<T>(work: Promise<T>, runDirectory: string): Promise<T> {
  const stop = new AbortController();
  const late = pause(PATIENCE_MS, undefined, { signal: stop.signal }).then(() => {
    throw errors.launchStuck(runDirectory, PATIENCE_MS / 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => {});
    stop.abort();
  }
}
