/**
 * What a cgroup has used: bytes, nanoseconds and counts, the same whichever version of cgroups they come from.
 */
import type { ReadFile } from './resources.ts';

export interface CgroupStats {
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly pids?: PidsStats;
  readonly blockIo?: BlockIoStats;
  /** Page size (`2MB`) → usage. */
  readonly hugetlb?: Readonly<Record<string, HugetlbStats>>;
}

export interface CpuStats {
  readonly usageNs: number;
  readonly userNs: number;
  readonly systemNs: number;
  /** v1 only; the CPUs of the host in order. */
  readonly perCpuNs?: readonly number[];
  readonly throttling: { readonly periods: number; readonly throttledPeriods: number; readonly throttledNs: number };
}

export interface MemoryStats {
  readonly usageBytes: number;
  /** Absent: unlimited. */
  readonly limitBytes?: number;
  /** The most that was ever used, where the kernel keeps it. */
  readonly maxBytes?: number;
  /** How often the limit was hit. */
  readonly failures: number;
  /** Memory and swap together on v1, swap alone on v2, as the kernel counts; absent without swap accounting. */
  readonly swapBytes?: number;
  /** memory.stat as it is: the names differ between v1 (`total_inactive_file`) and v2 (`inactive_file`). */
  readonly stat: Readonly<Record<string, number>>;
  /** Processes killed for lack of memory, since the cgroup was made. */
  readonly oomKills?: number;
}

export interface PidsStats {
  readonly current: number;
  /** Absent: unlimited. */
  readonly limit?: number;
}

/** Docker's `*_recursive` lists; `operation` is Read, Write, Sync, Async, Discard or Total. */
export interface BlockIoStats {
  readonly bytes: readonly BlockIoEntry[];
  readonly operations: readonly BlockIoEntry[];
}

export interface BlockIoEntry {
  readonly major: number;
  readonly minor: number;
  readonly operation: string;
  readonly value: number;
}

export interface HugetlbStats {
  readonly usageBytes: number;
  readonly maxBytes?: number;
  readonly failures: number;
}

/** Reads the counters of one controller: the one shape of all `stats` functions in v1/ and v2/. */
export type Stats = (read: ReadFile) => CgroupStats;

/** A file that holds one number; undefined for `max` and where there is none. */
export function numberIn(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d+$/.test(text.trim())) return undefined;
  return Number(text);
}

/** A file of lines `key value`. */
export function flatKeyed(text: string | undefined): Record<string, number> {
  const values: Record<string, number> = {};
  for (const line of (text ?? '').split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) values[line.slice(0, space)] = Number(line.slice(space + 1));
  }
  return values;
}

/** An optional property, left out when there is no value. */
export function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]: Value });
}

/** Puts the controllers' parts together; the parts of `cpu` and `cpuacct` are complements. */
export function joinStats(parts: readonly CgroupStats[]): CgroupStats {
  const joined = Object.assign({}, ...parts) as CgroupStats;
  const cpus = parts.flatMap((part) => part.cpu ?? []);
  const timed = cpus.find((part) => part.usageNs > 0) ?? cpus[0];
  const throttled = cpus.find((part) => part.throttling.periods > 0) ?? cpus[0];
  if (timed === undefined || throttled === undefined) return joined;
  return { ...joined, cpu: { ...timed, throttling: throttled.throttling } };
}
