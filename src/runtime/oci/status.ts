/**
 * The states of a container of the OCI command line, and what may be done in each.
 *
 * No status is stored: it is what the kernel says of the container's process and its cgroup, see `observe`.
 * spec: runtime.md, "State" and "Lifecycle"; `paused` is runc's addition.
 */
import { errors } from '../errors.ts';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';
export type Operation = 'start' | 'kill' | 'delete' | 'delete --force' | 'exec' | 'pause' | 'resume' | 'update' | 'ps';

/** Operation → the states it is allowed in. Everything else is refused. */
export const allowed = {
  start: ['created'],
  kill: ['created', 'running', 'paused'],
  delete: ['created', 'stopped'],
  'delete --force': ['creating', 'created', 'running', 'paused', 'stopped'],
  exec: ['created', 'running'],
  pause: ['created', 'running'],
  resume: ['paused'],
  update: ['created', 'running', 'paused'],
  ps: ['created', 'running', 'paused'],
} as const satisfies Record<Operation, readonly Status[]>;

/** Throws `runtime.notAllowed`, or the words that containerd looks for. */
export function check(operation: Operation, id: string, status: Status): void {
  if ((allowed[operation] as readonly Status[]).includes(status)) return;
  // compat: containerd and Podman tell "it has ended already" from other failures by these words.
  if (status === 'stopped' && operation !== 'resume') throw errors.notRunning(operation, id);
  if (operation === 'resume') throw errors.notPaused(id);
  throw errors.notAllowed(operation, id, status);
}

/** What is known about a container at one moment. */
export interface Observation {
  /** Still being created, by a command that is alive. */
  readonly beingCreated: boolean;
  /** The container's process, unless it is gone or a zombie. */
  readonly process?: { readonly execed: boolean };
  readonly frozen: boolean;
}

export function observe({ beingCreated, process, frozen }: Observation): Status {
  if (!process) return beingCreated ? 'creating' : 'stopped';
  if (frozen) return 'paused';
  return process.execed ? 'running' : 'created';
}
