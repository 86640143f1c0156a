/**
 * One container's cgroup, on whatever hierarchies the host has.
 *
 * The story: `create` makes the folders and sets the limits; a plan places the first process with what `placement`
 * says (v1: the child writes 0 to the `tasks` files, v2: clone3 with CLONE_INTO_CGROUP), because moving a running
 * process costs the kernel an RCU grace period. While it runs there are `update`, `freeze`, `thaw` and `stats`.
 * `kill` leaves nobody alive, `remove` leaves nothing behind.
 *
 * Everything up to `stats` is synchronous: it is on the path of a start, and these files never wait for a disk.
 */
import type { CgroupFiles } from './files.ts';
import type { CgroupResources } from './resources.ts';
import type { CgroupStats } from './stats.ts';

export interface Cgroup {
  /** As given in the config; absolute, or relative to this process's cgroup. */
  readonly path: string;
  /** Makes the cgroup with its limits. On failure nothing that was made stays. Throws `cgroup.*`, SyscallError. */
  create(resources: CgroupResources): void;
  /** What `create` or `update` would write, for people. */
  writes(resources: CgroupResources): CgroupWrite[];
  /** How a plan puts a new process in, and what the container may see. */
  placement(resources: CgroupResources): CgroupPlacement;
  /** Changes limits; what is absent stays. On v2 a device program in the answer has to be attached instead of the old. */
  update(resources: CgroupResources): { readonly deviceProgram?: DeviceProgram };
  /** Waits until every process has stopped. Throws `cgroup.freezeTimeout` and has thawed again then. */
  freeze(signal?: AbortSignal): Promise<void>;
  thaw(): void;
  state(): 'frozen' | 'freezing' | 'thawed' | 'gone';
  /** Processes, with those of nested cgroups when `recursive`. */
  pids(recursive: boolean): number[];
  /** SIGKILL to every process in it and below, until none is left. Throws `cgroup.killTimeout`. */
  kill(signal?: AbortSignal): Promise<void>;
  /** Removes it and what the container nested below. Parents stay, others may be using them. */
  remove(): Promise<void>;
  stats(): CgroupStats;
  /** What a shim watches for out-of-memory kills. */
  oomWatch(): OomWatch;
}

export interface CgroupWrite {
  readonly path: string;
  readonly value: string;
}

export interface DeviceProgram {
  readonly folder: string;
  /** Encoded eBPF instructions. */
  readonly program: Uint8Array;
}

/** Structurally what a plan is compiled from. */
export interface CgroupPlacement {
  /** v1: `tasks` files; the child writes 0 to each. */
  readonly tasks: readonly string[];
  /** v2: the folder for CLONE_INTO_CGROUP. */
  readonly folder?: string;
  /** v2: to be attached before the clone. */
  readonly deviceProgram?: DeviceProgram;
  readonly hierarchies: readonly PlacedHierarchy[];
}

/** A mounted hierarchy and the cgroup's folder in it, for mounts of type `cgroup`. */
export interface PlacedHierarchy {
  readonly version: 1 | 2;
  /** The folder it is mounted on inside: `memory`, `cpu,cpuacct`, `systemd`; empty on a pure v2 host. */
  readonly name: string;
  readonly options: readonly string[];
  readonly folder: string;
}

/** Numbers of the helper's shim record: 0 none, 1 v1, 2 v2. */
export interface OomWatch {
  readonly path: string;
  readonly kind: 0 | 1 | 2;
}

/** What a cgroup needs besides its path. */
export interface CgroupDeps {
  readonly files: CgroupFiles;
  /** kill(2); an ESRCH error is a success. */
  readonly signal: (pid: number, signal: NodeJS.Signals) => void;
}
