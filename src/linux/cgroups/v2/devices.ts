/**
 * v2 devices: no files but a BPF program on the cgroup (Documentation/admin-guide/cgroup-v2.rst, "Device controller").
 * It is loaded and attached by the native helper; here is what it consists of.
 */
import { deviceProgram } from '#wire';
import type { CgroupResources, Setting } from '../resources.ts';
import type { CgroupStats } from '../stats.ts';

export function settings(): Setting[] {
  return [];
}

/** Encoded instructions; none without rules, then the cgroup's devices stay as they are. */
export function program({ devices = [] }: CgroupResources): Uint8Array | undefined {
  return devices.length === 0 ? undefined : deviceProgram(devices);
}

export function stats(): CgroupStats {
  return {};
}
