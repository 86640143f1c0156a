/** A container's states and what leads from one to the next. Nothing else: no I/O, no clock. */
import { errors } from './errors.ts';

export type Status = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
export type LifecycleEvent = 'start' | 'pause' | 'unpause' | 'exit' | 'restart' | 'remove' | 'removeFailed';

export const transitions = {
  created: { start: 'running', remove: 'removing' },
  running: { pause: 'paused', exit: 'exited', restart: 'restarting' },
  paused: { unpause: 'running', exit: 'exited', restart: 'restarting' },
  restarting: { start: 'running', exit: 'exited' },
  exited: { start: 'running', remove: 'removing' },
  removing: { removeFailed: 'dead', remove: 'removing' },
  dead: { remove: 'removing' },
} as const satisfies Record<Status, Partial<Record<LifecycleEvent, Status>>>;

/** The state after the event. Throws the refusal Docker words for it. */
export function next(id: string, from: Status, event: LifecycleEvent): Status {
  const to = (transitions[from] as Partial<Record<LifecycleEvent, Status>>)[event];
  if (to !== undefined) return to;
  throw refusal(id, from, event);
}

function refusal(id: string, from: Status, event: LifecycleEvent): Error {
  if (event === 'start') {
    if (from === 'running') return errors.alreadyStarted();
    if (from === 'paused') return errors.startPaused();
    return errors.markedForRemoval();
  }
  if (event === 'pause' && from === 'restarting') return errors.restarting(id);
  if (event === 'pause') return from === 'paused' ? errors.alreadyPaused(id) : errors.notRunning(id);
  if (event === 'unpause') return errors.notPaused(id);
  if (event === 'remove') return errors.removeRunning(id, from);
  return errors.notRunning(id);
}

/** Whether it counts as running for users: has a process, or will have one again in a moment. */
export function isLive(status: Status): boolean {
  return hasProcess(status) || status === 'restarting';
}

export function hasProcess(status: Status): boolean {
  return status === 'running' || status === 'paused';
}
