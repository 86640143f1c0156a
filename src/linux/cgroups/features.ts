/**
 * Which limits this host's cgroups can enforce, for `info` and for warnings when a limit will not hold.
 */
import { type CgroupFiles, kernelFiles, readOptional } from './files.ts';
import { type CgroupHost, folderOf, hierarchyWith } from './host.ts';

export interface CgroupFeatures {
  readonly version: 1 | 2;
  readonly memory: boolean;
  readonly swap: boolean;
  readonly swappiness: boolean;
  readonly oomKillDisable: boolean;
  readonly kernelMemoryTcp: boolean;
  readonly cpuShares: boolean;
  readonly cpuQuota: boolean;
  readonly cpuRealtime: boolean;
  readonly cpuset: boolean;
  readonly pids: boolean;
  readonly blockIoWeight: boolean;
  readonly blockIoThrottle: boolean;
  readonly hugetlb: boolean;
  readonly freezer: boolean;
}

/** Looks at the files of this process's own cgroup, which has the same ones as a container's. */
export function cgroupFeatures(host: CgroupHost, files: CgroupFiles = kernelFiles): CgroupFeatures {
  return host.mode === 'v2' ? unifiedFeatures(host, files) : legacyFeatures(host, files);
}

function legacyFeatures(host: CgroupHost, files: CgroupFiles): CgroupFeatures {
  const has = (controller: string, file: string): boolean => {
    const hierarchy = hierarchyWith(host, controller);
    return hierarchy !== undefined && readOptional(files, `${folderOf(hierarchy, '')}/${file}`) !== undefined;
  };
  return {
    version: 1,
    memory: has('memory', 'memory.limit_in_bytes'),
    swap: has('memory', 'memory.memsw.limit_in_bytes'),
    swappiness: has('memory', 'memory.swappiness'),
    oomKillDisable: has('memory', 'memory.oom_control'),
    kernelMemoryTcp: has('memory', 'memory.kmem.tcp.limit_in_bytes'),
    cpuShares: has('cpu', 'cpu.shares'),
    cpuQuota: has('cpu', 'cpu.cfs_quota_us'),
    cpuRealtime: has('cpu', 'cpu.rt_runtime_us'),
    cpuset: has('cpuset', 'cpuset.cpus'),
    // kernel: root cgroups have no pids.max and no freezer.state.
    pids: hierarchyWith(host, 'pids') !== undefined,
    blockIoWeight: has('blkio', 'blkio.weight') || has('blkio', 'blkio.bfq.weight'),
    blockIoThrottle: has('blkio', 'blkio.throttle.read_bps_device'),
    hugetlb: hierarchyWith(host, 'hugetlb') !== undefined,
    freezer: hierarchyWith(host, 'freezer') !== undefined,
  };
}

function unifiedFeatures(host: CgroupHost, files: CgroupFiles): CgroupFeatures {
  const mountPoint = host.unified?.mountPoint ?? '';
  const controllers = (readOptional(files, `${mountPoint}/cgroup.controllers`) ?? '').trim().split(/\s+/);
  const has = (name: string): boolean => controllers.includes(name);
  const own = host.unified ? folderOf(host.unified, '') : '';
  const swapFile = readOptional(files, `${own}/memory.swap.max`);
  return {
    version: 2,
    memory: has('memory'),
    // kernel: the root cgroup has no memory.swap.max; /proc/swaps says nothing of accounting, so it is assumed there.
    swap: has('memory') && (swapFile !== undefined || own === mountPoint),
    swappiness: false,
    oomKillDisable: false,
    kernelMemoryTcp: false,
    cpuShares: has('cpu'),
    cpuQuota: has('cpu'),
    cpuRealtime: false,
    cpuset: has('cpuset'),
    pids: has('pids'),
    blockIoWeight: has('io'),
    blockIoThrottle: has('io'),
    hugetlb: has('hugetlb'),
    freezer: true,
  };
}
