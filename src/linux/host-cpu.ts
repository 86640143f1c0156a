/** What all CPUs of the host have done together, for telling how much of it was a container's. */
import { readFileSync } from 'node:fs';

/** kernel: /proc/stat counts in ticks of 10 ms on every architecture Node runs on (USER_HZ). */
const NS_PER_TICK = 10_000_000;
/** user, nice, system, idle, iowait, irq, softirq; steal and guest are counted elsewhere. */
const FIELDS = 7;

/** Nanoseconds since boot, of all CPUs added up (compat: Docker's `system_cpu_usage`). */
export function hostCpuNs(): number {
  return parseHostCpuNs(readFileSync('/proc/stat', 'utf8'));
}

export function parseHostCpuNs(text: string): number {
  const line = /^cpu +(.*)$/m.exec(text)?.[1] ?? '';
  const ticks = line.split(' ').slice(0, FIELDS).map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) * NS_PER_TICK;
}
