/**
 * v2 `cpu`: weight, bandwidth and time used (Documentation/admin-guide/cgroup-v2.rst, "CPU").
 */
import { errors } from '../errors.ts';
import { type CgroupResources, type CpuLimits, type ReadFile, type Setting, set, when } from '../resources.ts';
import { type CgroupStats, flatKeyed } from '../stats.ts';

const DEFAULT_PERIOD_US = 100_000;

export function settings({ cpu }: CgroupResources, read: ReadFile): Setting[] {
  if (cpu === undefined) return [];
  if (set(cpu.realtimePeriod) !== undefined || set(cpu.realtimeRuntime) !== undefined) {
    throw errors.invalid('a real-time share of the CPU', 'cgroup v2 has none, leave it out');
  }
  // kernel: an idle cgroup refuses a weight.
  const shares = cpu.idle === 1 ? undefined : set(cpu.shares);
  return [
    ...when(cpu.idle, 'cpu.idle'),
    ...when(shares, 'cpu.weight', (value) => String(weightOfShares(value))),
    // kernel: a burst may not exceed the quota, so it may have to wait for a larger one.
    ...when(cpu.burst, 'cpu.max.burst', String, { optional: true, retry: true }),
    ...bandwidth(cpu, read),
  ];
}

/** compat: 2 ... 262144 onto 1 ... 10000 in a straight line, as runc and crun do. */
export function weightOfShares(shares: number): number {
  return 1 + Math.floor(((Math.min(262_144, Math.max(2, shares)) - 2) * 9999) / 262_142);
}

/** `cpu.max` is one file for two values; the one that is not given stays. */
function bandwidth({ quota, period }: CpuLimits, read: ReadFile): Setting[] {
  if (!quota && !period) return [];
  const [currentQuota = 'max', currentPeriod] = (read('cpu.max') ?? '').trim().split(' ');
  const newQuota = quota ? (quota > 0 ? String(quota) : 'max') : currentQuota || 'max';
  const newPeriod = set(period) ?? (currentPeriod || DEFAULT_PERIOD_US);
  return [{ file: 'cpu.max', value: `${newQuota} ${newPeriod}` }];
}

export function stats(read: ReadFile): CgroupStats {
  const stat = flatKeyed(read('cpu.stat'));
  const ns = (name: string): number => (stat[name] ?? 0) * 1000;
  return {
    cpu: {
      usageNs: ns('usage_usec'),
      userNs: ns('user_usec'),
      systemNs: ns('system_usec'),
      throttling: {
        periods: stat['nr_periods'] ?? 0,
        throttledPeriods: stat['nr_throttled'] ?? 0,
        throttledNs: ns('throttled_usec'),
      },
    },
  };
}
