/**
 * v1 `freezer`: stops every task of a cgroup (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst).
 */
import type { ReadFile, Setting } from '../resources.ts';
import type { CgroupStats } from '../stats.ts';

/** No OCI resource freezes. */
export function settings(): Setting[] {
  return [];
}

export function stats(): CgroupStats {
  return {};
}

export const freeze: Setting = { file: 'freezer.state', value: 'FROZEN' };
export const thaw: Setting = { file: 'freezer.state', value: 'THAWED' };

/** kernel: FREEZING stays until every task has stopped, and may need another write after a fork. */
export function state(read: ReadFile): 'frozen' | 'freezing' | 'thawed' {
  const text = read('freezer.state')?.trim();
  if (text === 'FROZEN') return 'frozen';
  return text === 'FREEZING' ? 'freezing' : 'thawed';
}
