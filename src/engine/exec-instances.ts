/** Exec instances: made, then started once, inspected until their container goes or many others have ended since. */
import type { Socket } from 'node:net';
import { randomHex } from '#base';
import type { RunningProcess } from '#runtime';

export interface ExecSettings {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDirectory: string;
  readonly privileged: boolean;
  readonly tty: boolean;
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly detachKeys: string;
  /** A health check's: ended with the daemon that started it. */
  readonly isProbe?: boolean;
  readonly consoleSize?: { readonly rows: number; readonly columns: number };
}

export interface ExecInstance {
  readonly id: string;
  readonly containerId: string;
  readonly settings: ExecSettings;
  readonly state:
    | { readonly status: 'created' }
    /** `settled` is fulfilled when it runs, or does not. */
    | { readonly status: 'starting'; readonly settled: Promise<void> }
    | { readonly status: 'running'; readonly process: RunningProcess }
    | { readonly status: 'ended'; readonly pid: number; readonly exitCode: number };
}

/** The process of one that nobody has started yet, see operations/exec-ahead.ts. */
export interface PreparedExec {
  readonly settings: ExecSettings;
  readonly runDirectory: string;
  /** Rejected where there is none. */
  readonly process: Promise<RunningProcess>;
  /** To its shim, and nothing was said over it yet. */
  readonly connection: Promise<Socket>;
  /** Once it is there: it is in the container's cgroup then, though nobody has asked for it. */
  pid?: number;
  readonly timer: NodeJS.Timeout;
}

/** By the id of the exec. */
export type PreparedExecs = Map<string, PreparedExec>;

export interface ExecInstances {
  create(containerId: string, settings: ExecSettings): ExecInstance;
  get(id: string): ExecInstance | undefined;
  update(instance: ExecInstance): void;
  /** Ids of the instances of a container that have not ended. */
  activeOf(containerId: string): string[];
  /** Forgets the instances of a container that is gone. */
  forgetAllOf(containerId: string): void;
}

/** Health checks run a program every few seconds for years: their results are of no use after a while. */
const ENDED_KEPT = 1000;

export function createExecInstances(): ExecInstances {
  const instances = new Map<string, ExecInstance>();
  const ended: string[] = [];
  const of = (containerId: string): ExecInstance[] =>
    [...instances.values()].filter((instance) => instance.containerId === containerId);
  return {
    create: (containerId, settings) => {
      const id = randomHex(32);
      const instance: ExecInstance = { id, containerId, settings, state: { status: 'created' } };
      instances.set(id, instance);
      return instance;
    },
    get: (id) => instances.get(id),
    update: (instance) => {
      if (!instances.has(instance.id)) return;
      instances.set(instance.id, instance);
      if (instance.state.status !== 'ended') return;
      ended.push(instance.id);
      if (ended.length > ENDED_KEPT) instances.delete(ended.shift()!);
    },
    activeOf: (containerId) =>
      of(containerId)
        .filter(({ state }) => state.status !== 'ended')
        .map(({ id }) => id),
    forgetAllOf: (containerId) => {
      for (const { id } of of(containerId)) instances.delete(id);
    },
  };
}
