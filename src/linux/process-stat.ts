/** What the kernel says of one process in /proc/PID/stat (proc_pid_stat(5)): who it is and whether it still runs. */
import { readFileSync } from 'node:fs';
import { errnoCode } from '#base';

export interface ProcessStat {
  /** R, S, D, T, Z and so on. */
  readonly state: string;
  readonly parent: number;
  /** The process that leads its session. */
  readonly session: number;
  /** Clock ticks since boot; with the pid it names a process for good. */
  readonly startTime: bigint;
  /** Whether it runs a program of its own; until then it is a fork of its parent (PF_FORKNOEXEC). */
  readonly execed: boolean;
}

const PF_FORKNOEXEC = 0x40;

/** The process with this pid, or undefined when there is none. Throws Node's system errors where /proc is missing. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    // kernel: a process that ends while it is read gives ESRCH.
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** The name in the second field may hold spaces and brackets: the last bracket ends it. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0] ?? '',
    parent: Number(fields[1] ?? 0),
    session: Number(fields[3] ?? 0),
    startTime: BigInt(fields[19] ?? '0'),
    execed: (Number(fields[6]) & PF_FORKNOEXEC) === 0,
  };
}
