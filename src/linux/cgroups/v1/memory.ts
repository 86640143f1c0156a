/**
 * v1 `memory`: limits of memory, memory plus swap, and what happens without any left
 * (Documentation/admin-guide/cgroup-v1/memory.rst).
 */
import { errors } from '../errors.ts';
import { type CgroupResources, type MemoryLimits, type ReadFile, type Setting, set, when } from '../resources.ts';
import { type CgroupStats, flatKeyed, numberIn, optional } from '../stats.ts';

const LIMIT = 'memory.limit_in_bytes';
const SWAP_LIMIT = 'memory.memsw.limit_in_bytes';

/** kernel: "unlimited" is the largest multiple of the page size below 2^63; nobody has half of that. */
const UNLIMITED = 2 ** 62;

/** compat: kernel memory (`kernel`) is ignored, as in runc: it is deprecated and gone since 6.x. */
export function settings({ memory }: CgroupResources, read: ReadFile): Setting[] {
  if (memory === undefined) return [];
  checkUsage(memory, read);
  checkSwappiness(memory.swappiness);
  return [
    ...when(memory.useHierarchy && read('memory.use_hierarchy') === '0' ? 1 : undefined, 'memory.use_hierarchy'),
    ...limits(memory, read),
    ...when(set(memory.reservation), 'memory.soft_limit_in_bytes'),
    ...when(set(memory.kernelTCP), 'memory.kmem.tcp.limit_in_bytes'),
    ...when(memory.disableOOMKiller ? 1 : undefined, 'memory.oom_control'),
    ...when(memory.swappiness, 'memory.swappiness'),
  ];
}

/** kernel: memory must never exceed memory plus swap, so what grows beyond the other's old value goes first. */
function limits(memory: MemoryLimits, read: ReadFile): Setting[] {
  const limit = set(memory.limit);
  const swap = set(memory.swap) ?? (limit === -1 && read(SWAP_LIMIT) !== undefined ? -1 : undefined);
  const both = { limit: when(limit, LIMIT), swap: when(swap, SWAP_LIMIT) };
  if (limit === undefined || swap === undefined) return [...both.limit, ...both.swap];
  if (swap !== -1 && (limit === -1 || swap < limit)) {
    throw errors.invalid(`memory and swap limit ${swap}`, `is below the memory limit ${limit}`);
  }
  const current = numberIn(read(LIMIT)) ?? Infinity;
  const raisesSwap = swap === -1 || current < swap;
  return raisesSwap ? [...both.swap, ...both.limit] : [...both.limit, ...both.swap];
}

function checkUsage({ limit, checkBeforeUpdate }: MemoryLimits, read: ReadFile): void {
  if (!checkBeforeUpdate || limit === undefined || limit <= 0) return;
  const usage = numberIn(read('memory.usage_in_bytes')) ?? 0;
  if (usage > limit) throw errors.belowUsage(limit, usage);
}

function checkSwappiness(value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= 100)) return;
  throw errors.invalid(`memory swappiness ${value}`, 'the valid range is 0 ... 100');
}

export function stats(read: ReadFile): CgroupStats {
  const limit = numberIn(read(LIMIT));
  return {
    memory: {
      usageBytes: numberIn(read('memory.usage_in_bytes')) ?? 0,
      ...optional('limitBytes', limit !== undefined && limit < UNLIMITED ? limit : undefined),
      ...optional('maxBytes', numberIn(read('memory.max_usage_in_bytes'))),
      failures: numberIn(read('memory.failcnt')) ?? 0,
      ...optional('swapBytes', numberIn(read('memory.memsw.usage_in_bytes'))),
      stat: flatKeyed(read('memory.stat')),
      ...optional('oomKills', flatKeyed(read('memory.oom_control'))['oom_kill']),
    },
  };
}
