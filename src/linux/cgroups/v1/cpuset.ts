/**
 * v1 `cpuset`: which CPUs and memory nodes may be used (Documentation/admin-guide/cgroup-v1/cpusets.rst).
 *
 * kernel: a new cpuset is empty and takes no process until it has CPUs and nodes; `inherit` copies the parent's.
 */
import { type CgroupResources, type ReadFile, type Setting, when } from '../resources.ts';
import type { CgroupStats } from '../stats.ts';

const FILES = ['cpuset.cpus', 'cpuset.mems'] as const;

export function settings({ cpu }: CgroupResources): Setting[] {
  return [...when(cpu?.cpus || undefined, 'cpuset.cpus'), ...when(cpu?.mems || undefined, 'cpuset.mems')];
}

/** What a cgroup that was just made needs before it can be used; `wanted` is not copied over. */
export function inherit(read: ReadFile, readParent: ReadFile, wanted: readonly Setting[] = []): Setting[] {
  return FILES.filter((file) => !wanted.some((setting) => setting.file === file)).flatMap((file) => {
    if (read(file)?.trim() !== '') return [];
    return when(readParent(file)?.trim() || undefined, file);
  });
}

export function stats(): CgroupStats {
  return {};
}
