/**
 * Limits as the OCI runtime specification has them (config-linux.md, "Control groups"), and what they turn into:
 * an ordered list of files to write. The shape is that of `linux.resources`, so a config's value fits as it is.
 */
import type { DeviceRuleInput } from '#wire';

/** Absent means untouched; bytes, microseconds and counts; -1 is "unlimited" where it makes sense. */
export interface CgroupResources {
  readonly devices?: readonly DeviceRuleInput[];
  readonly memory?: MemoryLimits;
  readonly cpu?: CpuLimits;
  readonly pids?: { readonly limit?: number };
  readonly blockIO?: BlockIoLimits;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly network?: {
    readonly classID?: number;
    readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
  };
  readonly rdma?: Readonly<Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>>;
  readonly unified?: Readonly<Record<string, string>>;
}

/** `swap` is memory and swap together. */
export interface MemoryLimits {
  readonly limit?: number;
  readonly reservation?: number;
  readonly swap?: number;
  readonly kernel?: number;
  readonly kernelTCP?: number;
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
  readonly useHierarchy?: boolean;
  readonly checkBeforeUpdate?: boolean;
}

export interface CpuLimits {
  readonly shares?: number;
  readonly quota?: number;
  readonly burst?: number;
  readonly period?: number;
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  readonly cpus?: string;
  readonly mems?: string;
  readonly idle?: number;
}

export interface BlockIoLimits {
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly WeightDevice[];
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[];
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[];
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[];
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[];
}

export interface WeightDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight?: number;
  readonly leafWeight?: number;
}

export interface ThrottleDevice {
  readonly major: number;
  readonly minor: number;
  readonly rate?: number;
}

/** One write; `file` is a name inside the cgroup's folder. */
export interface Setting {
  readonly file: string;
  readonly value: string;
  /** A kernel without this file can do without. */
  readonly optional?: boolean;
  /** EINVAL now may be due to a value that is written later: then it is tried again at the end. */
  readonly retry?: boolean;
}

/** Reads a file of the cgroup whose limits are computed; undefined where it does not exist. */
export type ReadFile = (file: string) => string | undefined;

/** Limits to files, for one controller: the one shape of all `settings` functions in v1/ and v2/. */
export type Settings = (resources: CgroupResources, read: ReadFile) => Setting[];

/** A setting, or none when there is no value. */
export function when<Value>(
  value: Value | undefined,
  file: string,
  format: (value: Value) => string = String,
  extra: Pick<Setting, 'optional' | 'retry'> = {},
): Setting[] {
  return value === undefined ? [] : [{ file, value: format(value), ...extra }];
}

/** compat: 0 is "not set" for limits that cannot sensibly be 0, as in runc. */
export function set(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}
