/**
 * OCI runtime-spec 1.3, `process`: what runs in the container and with which rights.
 *
 * Types only; checking a config is the runtime's business. 64-bit values that do not fit into a
 * number are bigints (see ./json.ts).
 */

/** config.md, "Process". Also the body of `exec`'s process.json. */
export interface Process {
  readonly terminal?: boolean;
  readonly consoleSize?: ConsoleSize;
  readonly user?: User;
  readonly args?: readonly string[];
  /** Windows only; kept when a config is passed on. */
  readonly commandLine?: string;
  readonly env?: readonly string[];
  /** Absolute path inside the container. */
  readonly cwd: string;
  readonly capabilities?: CapabilitySets;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly oomScoreAdj?: number;
  readonly scheduler?: Scheduler;
  readonly selinuxLabel?: string;
  readonly ioPriority?: IoPriority;
  readonly execCPUAffinity?: ExecCpuAffinity;
}

/** Size of the terminal in characters. */
export interface ConsoleSize {
  readonly height: number;
  readonly width: number;
}

/** config.md, "User". `username` is Windows only. */
export interface User {
  readonly uid?: number;
  readonly gid?: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
  readonly username?: string;
}

/** The five capability sets of a process, by name with the `CAP_` prefix (capabilities(7)). */
export interface CapabilitySets {
  readonly bounding?: readonly string[];
  readonly permitted?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly ambient?: readonly string[];
}

/** `type` is `RLIMIT_NOFILE` and so on (getrlimit(2)); RLIM_INFINITY is 2^64 - 1, a bigint. */
export interface Rlimit {
  readonly type: string;
  readonly soft: number | bigint;
  readonly hard: number | bigint;
}

/** sched_setattr(2); times in nanoseconds. */
export interface Scheduler {
  readonly policy: SchedulerPolicy;
  readonly nice?: number;
  readonly priority?: number;
  readonly flags?: readonly SchedulerFlag[];
  readonly runtime?: number | bigint;
  readonly deadline?: number | bigint;
  readonly period?: number | bigint;
}

export type SchedulerPolicy =
  | 'SCHED_OTHER'
  | 'SCHED_FIFO'
  | 'SCHED_RR'
  | 'SCHED_BATCH'
  | 'SCHED_ISO'
  | 'SCHED_IDLE'
  | 'SCHED_DEADLINE';

export type SchedulerFlag =
  | 'SCHED_FLAG_RESET_ON_FORK'
  | 'SCHED_FLAG_RECLAIM'
  | 'SCHED_FLAG_DL_OVERRUN'
  | 'SCHED_FLAG_KEEP_POLICY'
  | 'SCHED_FLAG_KEEP_PARAMS'
  | 'SCHED_FLAG_UTIL_CLAMP_MIN'
  | 'SCHED_FLAG_UTIL_CLAMP_MAX';

/** ioprio_set(2). */
export interface IoPriority {
  readonly class: IoPriorityClass;
  readonly priority?: number;
}

export type IoPriorityClass = 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE';

/** CPU lists such as `0-3,7`: where an exec's process is placed before and after it joins the cgroup. */
export interface ExecCpuAffinity {
  readonly initial?: string;
  readonly final?: string;
}
