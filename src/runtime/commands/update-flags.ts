/** The flags of `update` → resources of the specification. */
import { parseBytes } from '#base';
import type { Resources } from '#specs';
import { errors } from '../errors.ts';
import type { FlagShape, FlagTable, FlagValues } from './flags.ts';

const text = (name: string, about: string): FlagShape & { readonly kind: 'text' } => ({
  names: [name],
  kind: 'text',
  about,
});

export const updateFlags = {
  resources: { names: ['resources', 'r'], kind: 'text', about: "file with the resources as JSON, '-' for stdin" },
  blkioWeight: text('blkio-weight', 'weight of block I/O, 10 to 1000'),
  cpuPeriod: text('cpu-period', 'CFS period in microseconds'),
  cpuQuota: text('cpu-quota', 'CPU time per period in microseconds'),
  cpuBurst: text('cpu-burst', 'CPU time that may be saved up, in microseconds'),
  cpuShare: text('cpu-share', 'relative weight of CPU time'),
  cpuRtPeriod: text('cpu-rt-period', 'realtime period in microseconds'),
  cpuRtRuntime: text('cpu-rt-runtime', 'realtime CPU time per period in microseconds'),
  cpusetCpus: text('cpuset-cpus', 'CPUs to use, such as 0-3,7'),
  cpusetMems: text('cpuset-mems', 'memory nodes to use'),
  cpuIdle: text('cpu-idle', '1: only time nobody else wants'),
  kernelMemory: text('kernel-memory', 'gone from the kernel: refused'),
  kernelMemoryTcp: text('kernel-memory-tcp', 'memory of TCP buffers (cgroup v1)'),
  memory: text('memory', 'memory limit, such as 512m'),
  memoryReservation: text('memory-reservation', 'what is left when memory gets short'),
  memorySwap: text('memory-swap', 'memory and swap together, -1 for unlimited swap'),
  pidsLimit: text('pids-limit', 'the most processes, -1 for no limit'),
  l3CacheSchema: text('l3-cache-schema', 'resctrl is not managed: refused'),
  memBwSchema: text('mem-bw-schema', 'resctrl is not managed: refused'),
} as const satisfies FlagTable;

/** Throws `runtime.usage` for values that are no numbers or sizes, `runtime.unsupported` for what no one would enforce. */
export function flagResources(flags: FlagValues<typeof updateFlags>): Resources {
  if (flags.l3CacheSchema !== undefined || flags.memBwSchema !== undefined) {
    throw errors.unsupported('--l3-cache-schema and --mem-bw-schema', 'this runtime does not manage resctrl');
  }
  if (flags.kernelMemory !== undefined) {
    throw errors.unsupported('--kernel-memory', 'kernels since 5.16 have no such limit');
  }
  const memory = {
    ...entry('limit', bytesOf(flags.memory, 'memory')),
    ...entry('reservation', bytesOf(flags.memoryReservation, 'memory-reservation')),
    ...entry('swap', bytesOf(flags.memorySwap, 'memory-swap')),
    ...entry('kernelTCP', bytesOf(flags.kernelMemoryTcp, 'kernel-memory-tcp')),
  };
  const cpu = {
    ...entry('shares', numberOf(flags.cpuShare, 'cpu-share')),
    ...entry('quota', numberOf(flags.cpuQuota, 'cpu-quota')),
    ...entry('period', numberOf(flags.cpuPeriod, 'cpu-period')),
    ...entry('burst', numberOf(flags.cpuBurst, 'cpu-burst')),
    ...entry('realtimeRuntime', numberOf(flags.cpuRtRuntime, 'cpu-rt-runtime')),
    ...entry('realtimePeriod', numberOf(flags.cpuRtPeriod, 'cpu-rt-period')),
    ...entry('cpus', flags.cpusetCpus),
    ...entry('mems', flags.cpusetMems),
    ...entry('idle', numberOf(flags.cpuIdle, 'cpu-idle')),
  };
  const weight = numberOf(flags.blkioWeight, 'blkio-weight');
  const limit = numberOf(flags.pidsLimit, 'pids-limit');
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(weight !== undefined && { blockIO: { weight } }),
    ...(limit !== undefined && { pids: { limit } }),
  };
}

function entry<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]: Value });
}

function numberOf(value: string | undefined, flag: string): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (!/^-?\d{1,15}$/.test(value)) throw errors.usage(`--${flag} "${value}": give a whole number`);
  return Number(value);
}

function bytesOf(value: string | undefined, flag: string): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (value === '-1') return -1;
  try {
    return parseBytes(value);
  } catch {
    throw errors.usage(`--${flag} "${value}": give a size such as 512m, or -1`);
  }
}
