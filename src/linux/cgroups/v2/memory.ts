/**
 * v2 `memory`: limits of memory and of swap (Documentation/admin-guide/cgroup-v2.rst, "Memory").
 *
 * Swappiness, kernel memory and switching the OOM killer off do not exist here and are passed over, as in runc.
 */
import { errors } from '../errors.ts';
import { type CgroupResources, type MemoryLimits, type ReadFile, type Setting, set, when } from '../resources.ts';
import { type CgroupStats, flatKeyed, numberIn, optional } from '../stats.ts';

export function settings({ memory }: CgroupResources, read: ReadFile): Setting[] {
  if (memory === undefined) return [];
  checkUsage(memory, read);
  const swap = swapMax(memory, read);
  return [
    // compat: a kernel without swap accounting has no file; no limit and no swap are what it gives anyway.
    ...when(swap, 'memory.swap.max', String, { optional: swap === 'max' || swap === '0' }),
    ...when(set(memory.limit), 'memory.max', limitText),
    ...when(set(memory.reservation), 'memory.low', limitText),
  ];
}

/** OCI counts memory and swap together, v2 counts swap alone. */
function swapMax(memory: MemoryLimits, read: ReadFile): string | undefined {
  const limit = set(memory.limit);
  const both = set(memory.swap) ?? (limit === -1 ? -1 : undefined);
  if (both === undefined) return undefined;
  if (both === -1) return 'max';
  const memoryLimit = limit ?? numberIn(read('memory.max'));
  const what = `memory and swap limit ${both}`;
  if (memoryLimit === undefined || memoryLimit < 0) throw errors.invalid(what, 'needs a memory limit');
  if (both < memoryLimit) throw errors.invalid(what, `is below the memory limit ${memoryLimit}`);
  return String(both - memoryLimit);
}

function limitText(value: number): string {
  return value < 0 ? 'max' : String(value);
}

function checkUsage({ limit, checkBeforeUpdate }: MemoryLimits, read: ReadFile): void {
  if (!checkBeforeUpdate || limit === undefined || limit <= 0) return;
  const usage = numberIn(read('memory.current')) ?? 0;
  if (usage > limit) throw errors.belowUsage(limit, usage);
}

export function stats(read: ReadFile): CgroupStats {
  const usageBytes = numberIn(read('memory.current'));
  if (usageBytes === undefined) return {};
  const events = flatKeyed(read('memory.events'));
  return {
    memory: {
      usageBytes,
      ...optional('limitBytes', numberIn(read('memory.max'))),
      ...optional('maxBytes', numberIn(read('memory.peak'))),
      failures: events['max'] ?? 0,
      ...optional('swapBytes', numberIn(read('memory.swap.current'))),
      stat: flatKeyed(read('memory.stat')),
      ...optional('oomKills', events['oom_kill']),
    },
  };
}
