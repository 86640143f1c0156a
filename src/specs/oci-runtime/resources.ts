/**
 * OCI runtime-spec 1.3, `linux.resources`: limits enforced by cgroups (config-linux.md, "Control groups").
 *
 * Bytes, microseconds and counts as the kernel's own files have them; -1 is "unlimited" where a
 * limit is signed.
 */

/** Also the body of `update`. Everything absent is left as it is. */
export interface Resources {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: MemoryResources;
  readonly cpu?: CpuResources;
  readonly pids?: PidsResources;
  readonly blockIO?: BlockIoResources;
  readonly hugepageLimits?: readonly HugepageLimit[];
  readonly network?: NetworkResources;
  /** Device name → limits. */
  readonly rdma?: Readonly<Record<string, RdmaResources>>;
  /** cgroup v2 file name → what is written into it. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** Later rules override earlier ones. No number means every number; access is a subset of `rwm`. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly access?: string;
}

/** Bytes. `swap` is memory and swap together. */
export interface MemoryResources {
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

/** Microseconds; `shares` in 2 ... 262144; `cpus` and `mems` are lists such as `0-3,7`. */
export interface CpuResources {
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

/** 1.3: a limit of 0 is a real limit, no longer "unlimited"; absent means untouched. */
export interface PidsResources {
  readonly limit?: number;
}

/** Weights in 10 ... 1000, rates in bytes or operations per second. */
export interface BlockIoResources {
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

/** `pageSize` such as `2MB`, limit in bytes. */
export interface HugepageLimit {
  readonly pageSize: string;
  readonly limit: number;
}

/** cgroup v1 only: net_cls and net_prio. */
export interface NetworkResources {
  readonly classID?: number;
  readonly priorities?: readonly InterfacePriority[];
}

export interface InterfacePriority {
  readonly name: string;
  readonly priority: number;
}

export interface RdmaResources {
  readonly hcaHandles?: number;
  readonly hcaObjects?: number;
}
