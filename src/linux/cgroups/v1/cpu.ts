/**
 * v1 `cpu`: shares, quota and real-time budget (Documentation/scheduler/sched-bwc.rst, sched-rt-group.rst).
 */
import { type CgroupResources, type Setting, set, when } from '../resources.ts';
import { type CgroupStats, flatKeyed } from '../stats.ts';
import type { ReadFile } from '../resources.ts';

/** kernel: a period may be refused while the old quota stands and the other way round, so both are retried. */
export function settings({ cpu }: CgroupResources): Setting[] {
  if (cpu === undefined) return [];
  return [
    ...when(set(cpu.shares), 'cpu.shares'),
    ...when(set(cpu.period), 'cpu.cfs_period_us', String, { retry: true }),
    ...when(cpu.burst, 'cpu.cfs_burst_us', String, { optional: true, retry: true }),
    ...when(set(cpu.quota), 'cpu.cfs_quota_us'),
    ...when(cpu.idle, 'cpu.idle'),
    ...when(set(cpu.realtimePeriod), 'cpu.rt_period_us', String, { retry: true }),
    ...when(set(cpu.realtimeRuntime), 'cpu.rt_runtime_us'),
  ];
}

/** Only throttling is counted here; the time is in ./cpuacct.ts. */
export function stats(read: ReadFile): CgroupStats {
  const stat = flatKeyed(read('cpu.stat'));
  return {
    cpu: {
      usageNs: 0,
      userNs: 0,
      systemNs: 0,
      throttling: {
        periods: stat['nr_periods'] ?? 0,
        throttledPeriods: stat['nr_throttled'] ?? 0,
        throttledNs: stat['throttled_time'] ?? 0,
      },
    },
  };
}
