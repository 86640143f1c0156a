/** A cgroup's counters in the shape of runc's `events`, which containerd's and Kubernetes' tools read. */
import type { BlockIoEntry, CgroupStats, MemoryStats } from '#linux';

/** What the kernel's counters have for "no limit". */
const UNLIMITED = 2n ** 64n - 1n;

/** The `data` of a `stats` line. Times in nanoseconds, sizes in bytes. */
export function eventStats({ cpu, memory, pids, blockIo, hugetlb }: CgroupStats): object {
  return {
    cpu: {
      usage: {
        total: cpu?.usageNs ?? 0,
        ...(cpu?.perCpuNs && { percpu: cpu.perCpuNs }),
        kernel: cpu?.systemNs ?? 0,
        user: cpu?.userNs ?? 0,
      },
      throttling: {
        periods: cpu?.throttling.periods ?? 0,
        throttledPeriods: cpu?.throttling.throttledPeriods ?? 0,
        throttledTime: cpu?.throttling.throttledNs ?? 0,
      },
    },
    cpuset: {},
    memory: memory ? memoryEvent(memory) : {},
    pids: { ...(pids && { current: pids.current }), ...(pids?.limit !== undefined && { limit: pids.limit }) },
    blkio: {
      ioServiceBytesRecursive: (blockIo?.bytes ?? []).map(ioEntry),
      ioServicedRecursive: (blockIo?.operations ?? []).map(ioEntry),
    },
    hugetlb: Object.fromEntries(
      Object.entries(hugetlb ?? {}).map(([size, { usageBytes, maxBytes, failures }]) => [
        size,
        { usage: usageBytes, ...(maxBytes !== undefined && { max: maxBytes }), failcnt: failures },
      ]),
    ),
    intel_rdt: {},
    network_interfaces: null,
  };
}

function memoryEvent(memory: MemoryStats): object {
  const { stat } = memory;
  return {
    cache: stat['cache'] ?? stat['file'] ?? 0,
    usage: {
      limit: memory.limitBytes ?? UNLIMITED,
      usage: memory.usageBytes,
      ...(memory.maxBytes !== undefined && { max: memory.maxBytes }),
      failcnt: memory.failures,
    },
    swap: { limit: 0, ...(memory.swapBytes !== undefined && { usage: memory.swapBytes }), failcnt: 0 },
    kernel: { limit: 0, usage: stat['kernel_stack'] ?? 0, failcnt: 0 },
    kernelTCP: { limit: 0, usage: stat['sock'] ?? 0, failcnt: 0 },
    raw: stat,
  };
}

const ioEntry = ({ major, minor, operation, value }: BlockIoEntry): object => ({ major, minor, op: operation, value });
