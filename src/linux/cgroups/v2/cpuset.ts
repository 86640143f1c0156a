/**
 * v2 `cpuset`: which CPUs and memory nodes may be used (Documentation/admin-guide/cgroup-v2.rst, "Cpuset"). An empty
 * set is the parent's, nothing has to be copied.
 */
import { type CgroupResources, type Setting, when } from '../resources.ts';
import type { CgroupStats } from '../stats.ts';

export function settings({ cpu }: CgroupResources): Setting[] {
  return [...when(cpu?.cpus || undefined, 'cpuset.cpus'), ...when(cpu?.mems || undefined, 'cpuset.mems')];
}

export function stats(): CgroupStats {
  return {};
}
