/** Samples of a container's usage → Docker's JSON, which is shaped after cgroup v1 and leaves out what v2 does not count. */
import { totalmem } from 'node:os';
import { formatTimeNs, ZERO_TIME } from '#base';
import type { ContainerRecord, UsageSample } from '#engine';

type Cgroup = UsageSample['cgroup'];

/** `before` is the sample before, for who looks at the difference. Without `now` it does not run. */
export function statsJson(
  { id, name }: Pick<ContainerRecord, 'id' | 'name'>,
  now: UsageSample | undefined,
  before: UsageSample | undefined,
  cgroupVersion: 1 | 2,
  minorVersion: number,
): object {
  return {
    ...(minorVersion < 52 ? {} : { os_type: 'linux' }),
    read: now ? formatTimeNs(now.timeNs) : ZERO_TIME,
    preread: before ? formatTimeNs(before.timeNs) : ZERO_TIME,
    pids_stats: pidsJson(now?.cgroup.pids),
    blkio_stats: blockIoJson(now?.cgroup.blockIo, cgroupVersion),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuJson(now),
    precpu_stats: cpuJson(before),
    memory_stats: memoryJson(now?.cgroup.memory, cgroupVersion),
    name: `/${name}`,
    id,
  };
}

function pidsJson(pids: Cgroup['pids']): object {
  return {
    ...(pids && pids.current > 0 ? { current: pids.current } : {}),
    ...(pids?.limit === undefined ? {} : { limit: pids.limit }),
  };
}

function cpuJson(sample: UsageSample | undefined): object {
  const cpu = sample?.cgroup.cpu;
  return {
    cpu_usage: {
      total_usage: cpu?.usageNs ?? 0,
      ...(cpu?.perCpuNs ? { percpu_usage: cpu.perCpuNs } : {}),
      usage_in_kernelmode: cpu?.systemNs ?? 0,
      usage_in_usermode: cpu?.userNs ?? 0,
    },
    ...(sample ? { system_cpu_usage: sample.hostCpuNs, online_cpus: sample.onlineCpus } : {}),
    throttling_data: {
      periods: cpu?.throttling.periods ?? 0,
      throttled_periods: cpu?.throttling.throttledPeriods ?? 0,
      throttled_time: cpu?.throttling.throttledNs ?? 0,
    },
  };
}

/** compat: the limit is the host's memory where there is none; v2 has no maximum. */
function memoryJson(memory: Cgroup['memory'], cgroupVersion: 1 | 2): object {
  if (!memory) return {};
  const total = totalmem();
  return {
    usage: memory.usageBytes,
    ...(cgroupVersion === 1 && memory.maxBytes !== undefined ? { max_usage: memory.maxBytes } : {}),
    stats: memory.stat,
    ...(memory.failures > 0 ? { failcnt: memory.failures } : {}),
    limit: Math.min(memory.limitBytes ?? total, total),
  };
}

/** compat: lists that nobody fills are empty on v1 and null on v2, and null for who does not run. */
function blockIoJson(io: Cgroup['blockIo'], cgroupVersion: 1 | 2): object {
  const rest = io && cgroupVersion === 1 ? [] : null;
  const rows = (list: NonNullable<typeof io>['bytes']): object[] =>
    list.map(({ major, minor, operation, value }) => ({
      major,
      minor,
      op: cgroupVersion === 1 ? operation : operation.toLowerCase(),
      value,
    }));
  return {
    io_service_bytes_recursive: io ? rows(io.bytes) : null,
    io_serviced_recursive: io && cgroupVersion === 1 ? rows(io.operations) : null,
    io_queue_recursive: rest,
    io_service_time_recursive: rest,
    io_wait_time_recursive: rest,
    io_merged_recursive: rest,
    io_time_recursive: rest,
    sectors_recursive: rest,
  };
}
