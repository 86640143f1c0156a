/**
 * v1 `rdma`: handles and objects of RDMA devices (Documentation/admin-guide/cgroup-v1/rdma.rst).
 */
import type { CgroupResources, Setting } from '../resources.ts';
import type { CgroupStats } from '../stats.ts';

export function settings({ rdma = {} }: CgroupResources): Setting[] {
  return Object.entries(rdma).flatMap(([device, { hcaHandles, hcaObjects }]) => {
    const limits = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ];
    return limits.length === 0 ? [] : [{ file: 'rdma.max', value: `${device} ${limits.join(' ')}` }];
  });
}

export function stats(): CgroupStats {
  return {};
}
