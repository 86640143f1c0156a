import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupResources, Settings } from '../resources.ts';
import * as blkio from './blkio.ts';
import * as cpu from './cpu.ts';
import * as cpuset from './cpuset.ts';
import * as hugetlb from './hugetlb.ts';
import * as memory from './memory.ts';
import * as net from './net.ts';
import * as pids from './pids.ts';
import * as rdma from './rdma.ts';

/** Expected writes as `file value`; a trailing ? marks an optional file, ~ one that is retried. */
function check(
  settings: Settings,
  resources: CgroupResources,
  expected: readonly string[],
  current: Readonly<Record<string, string>> = {},
): void {
  const writes = settings(resources, (file) => current[file]).map(
    ({ file, value, optional, retry }) => `${file} ${value}${optional ? '?' : ''}${retry ? '~' : ''}`,
  );
  assert.deepEqual(writes, expected);
}

test('nothing is written for limits that are absent or 0', () => {
  const all = [blkio, cpu, cpuset, hugetlb, memory, net, pids, rdma].map(({ settings }) => settings);
  for (const settings of all) {
    check(settings, {}, []);
    check(settings, { memory: {}, cpu: {}, pids: {}, blockIO: {}, network: {}, rdma: {} }, []);
  }
  check(memory.settings, { memory: { limit: 0, swap: 0, reservation: 0 } }, []);
  check(cpu.settings, { cpu: { shares: 0, quota: 0, period: 0 } }, []);
});

const GIB = 2 ** 30;
const LIMIT = 'memory.limit_in_bytes';
const SWAP = 'memory.memsw.limit_in_bytes';

test('memory: what grows beyond the other limit is written first', () => {
  const raise = { memory: { limit: 2 * GIB, swap: 4 * GIB } };
  check(memory.settings, raise, [`${SWAP} ${4 * GIB}`, `${LIMIT} ${2 * GIB}`], { [LIMIT]: String(GIB), [SWAP]: '1' });
  const lower = { memory: { limit: GIB, swap: 2 * GIB } };
  check(memory.settings, lower, [`${LIMIT} ${GIB}`, `${SWAP} ${2 * GIB}`], { [LIMIT]: String(4 * GIB), [SWAP]: '1' });
  check(memory.settings, { memory: { limit: GIB, swap: -1 } }, [`${SWAP} -1`, `${LIMIT} ${GIB}`], {
    [LIMIT]: String(4 * GIB),
  });
});

test('memory: without a limit swap is unlimited as well, where the kernel counts swap', () => {
  check(memory.settings, { memory: { limit: -1 } }, [`${SWAP} -1`, `${LIMIT} -1`], { [LIMIT]: '4096', [SWAP]: '4096' });
  check(memory.settings, { memory: { limit: -1 } }, [`${LIMIT} -1`], { [LIMIT]: '4096' });
  check(memory.settings, { memory: { swap: GIB } }, [`${SWAP} ${GIB}`]);
});

test('memory: the other files', () => {
  check(
    memory.settings,
    {
      memory: {
        reservation: 4096,
        kernel: 9,
        kernelTCP: 8192,
        swappiness: 0,
        disableOOMKiller: true,
        useHierarchy: true,
      },
    },
    [
      'memory.use_hierarchy 1',
      'memory.soft_limit_in_bytes 4096',
      'memory.kmem.tcp.limit_in_bytes 8192',
      'memory.oom_control 1',
      'memory.swappiness 0',
    ],
    { 'memory.use_hierarchy': '0' },
  );
  check(memory.settings, { memory: { disableOOMKiller: false, useHierarchy: true } }, [], {
    'memory.use_hierarchy': '1',
  });
});

test('memory: what makes no sense is refused', () => {
  const refuses = (limits: CgroupResources['memory'], message: RegExp): void => {
    const current: Record<string, string> = { 'memory.usage_in_bytes': '5000' };
    assert.throws(() => memory.settings(limits ? { memory: limits } : {}, (file) => current[file]), message);
  };
  refuses({ swappiness: 101 }, /swappiness 101: the valid range is 0 ... 100/);
  refuses({ limit: 4096, swap: 1024 }, /swap limit 1024: is below the memory limit 4096/);
  refuses({ limit: -1, swap: 1024 }, /is below the memory limit -1/);
  refuses({ limit: 4096, checkBeforeUpdate: true }, /limit 4096 is below the 5000 bytes in use/);
  check(memory.settings, { memory: { limit: 8192, checkBeforeUpdate: true } }, [`${LIMIT} 8192`], {
    'memory.usage_in_bytes': '5000',
  });
});

test('cpu: period and burst are tried again after the quota', () => {
  check(cpu.settings, { cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 10_000, idle: 1 } }, [
    'cpu.shares 512',
    'cpu.cfs_period_us 100000~',
    'cpu.cfs_burst_us 10000?~',
    'cpu.cfs_quota_us 50000',
    'cpu.idle 1',
  ]);
  check(cpu.settings, { cpu: { quota: -1, realtimePeriod: 1_000_000, realtimeRuntime: 950_000 } }, [
    'cpu.cfs_quota_us -1',
    'cpu.rt_period_us 1000000~',
    'cpu.rt_runtime_us 950000',
  ]);
});

test('cpuset: a new folder gets what it was not given from its parent', () => {
  check(cpuset.settings, { cpu: { cpus: '0-1', mems: '0' } }, ['cpuset.cpus 0-1', 'cpuset.mems 0']);
  const parent = { 'cpuset.cpus': '0-3', 'cpuset.mems': '0' } as Record<string, string>;
  const inherit = (own: Record<string, string>, wanted: readonly string[] = []) =>
    cpuset.inherit(
      (file) => own[file],
      (file) => parent[file],
      wanted.map((file) => ({ file, value: 'x' })),
    );
  const empty = { 'cpuset.cpus': '', 'cpuset.mems': '' };
  assert.deepEqual(inherit(empty), [
    { file: 'cpuset.cpus', value: '0-3' },
    { file: 'cpuset.mems', value: '0' },
  ]);
  assert.deepEqual(inherit({ ...empty, 'cpuset.cpus': '2' }), [{ file: 'cpuset.mems', value: '0' }]);
  assert.deepEqual(inherit(empty, ['cpuset.cpus']), [{ file: 'cpuset.mems', value: '0' }]);
});

test('pids: negative is unlimited, 0 is the one process that is there', () => {
  check(pids.settings, { pids: { limit: 100 } }, ['pids.max 100']);
  check(pids.settings, { pids: { limit: -1 } }, ['pids.max max']);
  check(pids.settings, { pids: { limit: 0 } }, ['pids.max 1']);
});

test('blkio: weights go to the scheduler that is there, rates to the throttling layer', () => {
  const blockIO = {
    weight: 300,
    leafWeight: 200,
    weightDevice: [{ major: 8, minor: 0, weight: 400, leafWeight: 10 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1048576 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 0 }],
  };
  const rates = ['blkio.throttle.read_bps_device 8:0 1048576', 'blkio.throttle.write_iops_device 8:16 0'];
  check(
    blkio.settings,
    { blockIO },
    [
      'blkio.weight 300',
      'blkio.leaf_weight 200?',
      'blkio.weight_device 8:0 400',
      'blkio.leaf_weight_device 8:0 10?',
      ...rates,
    ],
    { 'blkio.weight': '500' },
  );
  check(
    blkio.settings,
    { blockIO: { ...blockIO, leafWeight: 0, weightDevice: [{ major: 8, minor: 0, weight: 400 }] } },
    ['blkio.bfq.weight 300', 'blkio.bfq.weight_device 8:0 400', ...rates],
    { 'blkio.bfq.weight': '100' },
  );
  assert.throws(
    () => blkio.settings({ blockIO: { weight: 5 } }, () => undefined),
    /weight 5: the valid range is 10 ... 1000/,
  );
});

test('hugetlb, net and rdma', () => {
  check(hugetlb.settings, { hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }] }, [
    'hugetlb.2MB.limit_in_bytes 4194304',
    'hugetlb.2MB.rsvd.limit_in_bytes 4194304?',
  ]);
  const network = { classID: 0x100001, priorities: [{ name: 'eth0', priority: 5 }] };
  check(net.settings, { network }, ['net_cls.classid 1048577']);
  check(net.prioritySettings, { network }, ['net_prio.ifpriomap eth0 5']);
  check(
    rdma.settings,
    { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, mlx4_0: { hcaHandles: 1 }, none: {} } },
    ['rdma.max mlx5_1 hca_handle=3 hca_object=10000', 'rdma.max mlx4_0 hca_handle=1'],
  );
});
