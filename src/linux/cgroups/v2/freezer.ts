/**
 * v2 freezer: `cgroup.freeze` and `cgroup.events` (Documentation/admin-guide/cgroup-v2.rst, "Core Interface Files").
 */
import type { ReadFile, Setting } from '../resources.ts';
import { type CgroupStats, flatKeyed } from '../stats.ts';

/** No OCI resource freezes. */
export function settings(): Setting[] {
  return [];
}

export function stats(): CgroupStats {
  return {};
}

export const freeze: Setting = { file: 'cgroup.freeze', value: '1' };
export const thaw: Setting = { file: 'cgroup.freeze', value: '0' };

export function state(read: ReadFile): 'frozen' | 'freezing' | 'thawed' {
  if (flatKeyed(read('cgroup.events'))['frozen'] === 1) return 'frozen';
  return read('cgroup.freeze')?.trim() === '1' ? 'freezing' : 'thawed';
}
