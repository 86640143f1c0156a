/**
 * Freezing and killing the processes of a cgroup: what v1 and v2 do alike.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoCode } from '#base';
import { errors } from './errors.ts';

/** How the loops below reach one cgroup. */
export interface ProcessControl {
  readonly folder: string;
  freeze(): void;
  thaw(): void;
  state(): 'frozen' | 'freezing' | 'thawed' | 'gone';
  pids(): number[];
  signal(pid: number, signal: NodeJS.Signals): void;
}

const FREEZE_MS = 2000;
const KILL_MS = 10_000;
/** kernel: a v1 freezer can stay in FREEZING after a fork until it is thawed and frozen again. */
const THAW_EVERY = 50;

/** Freezes and waits until all have stopped. */
export async function freezeAll(control: ProcessControl, abort?: AbortSignal): Promise<void> {
  const deadline = performance.now() + FREEZE_MS;
  try {
    for (let turn = 1; ; turn++) {
      control.freeze();
      const state = control.state();
      if (state === 'frozen') return;
      if (state === 'gone') throw errors.gone(control.folder);
      if (performance.now() > deadline) throw errors.freezeTimeout(control.folder);
      if (turn % THAW_EVERY === 0) control.thaw();
      await sleep(Math.min(turn, 10), undefined, abort && { signal: abort });
    }
  } catch (error) {
    control.thaw();
    throw error;
  }
}

/**
 * Kills until nobody is left. Frozen processes cannot fork, so each round gets all of them; they receive the signal
 * when they are thawed (kernel: v1 keeps frozen tasks from dying). Where freezing fails the loop does without.
 */
export async function killAll(control: ProcessControl, abort?: AbortSignal): Promise<void> {
  const deadline = performance.now() + KILL_MS;
  for (let turn = 1; ; turn++) {
    if (control.pids().length === 0) return;
    control.freeze();
    try {
      for (const pid of control.pids()) killOne(control, pid);
    } finally {
      control.thaw();
    }
    const left = control.pids();
    if (left.length === 0) return;
    if (performance.now() > deadline) throw errors.killTimeout(control.folder, left.join(', '));
    await sleep(Math.min(turn, 20), undefined, abort && { signal: abort });
  }
}

/** Waits until nobody is left after a kill that the kernel does by itself. */
export async function waitUntilEmpty(control: ProcessControl, abort?: AbortSignal): Promise<void> {
  const deadline = performance.now() + KILL_MS;
  for (let turn = 1; ; turn++) {
    const left = control.pids();
    if (left.length === 0) return;
    if (performance.now() > deadline) throw errors.killTimeout(control.folder, left.join(', '));
    await sleep(Math.min(turn, 20), undefined, abort && { signal: abort });
  }
}

function killOne(control: ProcessControl, pid: number): void {
  try {
    control.signal(pid, 'SIGKILL');
  } catch (error) {
    if (errnoCode(error) !== 'ESRCH') throw error;
  }
}
