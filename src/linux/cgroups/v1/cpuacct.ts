/**
 * v1 `cpuacct`: CPU time used (Documentation/admin-guide/cgroup-v1/cpuacct.rst). Nothing can be set.
 */
import type { ReadFile, Setting } from '../resources.ts';
import { type CgroupStats, flatKeyed, numberIn, optional } from '../stats.ts';

/** kernel: cpuacct.stat counts in USER_HZ, which is 100 on every architecture Linux still supports. */
const NS_PER_TICK = 10_000_000;

export function settings(): Setting[] {
  return [];
}

export function stats(read: ReadFile): CgroupStats {
  const ticks = flatKeyed(read('cpuacct.stat'));
  const perCpu = read('cpuacct.usage_percpu')?.trim();
  return {
    cpu: {
      usageNs: numberIn(read('cpuacct.usage')) ?? 0,
      userNs: (ticks['user'] ?? 0) * NS_PER_TICK,
      systemNs: (ticks['system'] ?? 0) * NS_PER_TICK,
      ...optional('perCpuNs', perCpu ? perCpu.split(/\s+/).map(Number) : undefined),
      throttling: { periods: 0, throttledPeriods: 0, throttledNs: 0 },
    },
  };
}
