import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupResources, Settings } from '../resources.ts';
import * as cpu from './cpu.ts';
import * as cpuset from './cpuset.ts';
import * as devices from './devices.ts';
import * as hugetlb from './hugetlb.ts';
import * as io from './io.ts';
import * as memory from './memory.ts';
import * as unified from './unified.ts';

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
  for (const { settings } of [cpu, cpuset, hugetlb, io, memory, unified]) {
    check(settings, {}, []);
    check(settings, { memory: { limit: 0, swap: 0 }, cpu: { shares: 0, quota: 0 }, blockIO: { weight: 0 } }, []);
  }
});

test('cpu: shares become a weight in a straight line', () => {
  const weights: [number, number][] = [
    [1, 1],
    [2, 1],
    [1024, 39],
    [2048, 79],
    [131072, 5000],
    [262144, 10000],
    [999999, 10000],
  ];
  for (const [shares, weight] of weights) check(cpu.settings, { cpu: { shares } }, [`cpu.weight ${weight}`]);
  check(cpu.settings, { cpu: { shares: 1024, idle: 1 } }, ['cpu.idle 1']);
});

test('cpu: quota and period are one file, and the one that is not given stays', () => {
  const current = { 'cpu.max': '20000 50000' };
  check(cpu.settings, { cpu: { quota: 50_000, period: 100_000 } }, ['cpu.max 50000 100000'], current);
  check(cpu.settings, { cpu: { quota: -1 } }, ['cpu.max max 50000'], current);
  check(cpu.settings, { cpu: { period: 200_000 } }, ['cpu.max 20000 200000'], current);
  check(cpu.settings, { cpu: { quota: 5000 } }, ['cpu.max 5000 100000']);
  check(cpu.settings, { cpu: { burst: 1000, quota: 5000 } }, ['cpu.max.burst 1000?~', 'cpu.max 5000 100000']);
});

test('memory: swap is what memory and swap together leave beside memory', () => {
  check(memory.settings, { memory: { limit: 1000, swap: 3000, reservation: 500 } }, [
    'memory.swap.max 2000',
    'memory.max 1000',
    'memory.low 500',
  ]);
  check(memory.settings, { memory: { limit: 1000, swap: 1000 } }, ['memory.swap.max 0?', 'memory.max 1000']);
  check(memory.settings, { memory: { limit: 1000, swap: -1 } }, ['memory.swap.max max?', 'memory.max 1000']);
  check(memory.settings, { memory: { limit: 1000 } }, ['memory.max 1000']);
  check(memory.settings, { memory: { limit: -1 } }, ['memory.swap.max max?', 'memory.max max']);
  check(memory.settings, { memory: { swap: 3000 } }, ['memory.swap.max 1000'], { 'memory.max': '2000' });
  check(memory.settings, { memory: { swappiness: 60, disableOOMKiller: true, kernelTCP: 5 } }, []);
});

test('memory: what makes no sense is refused', () => {
  const refuses = (limits: NonNullable<CgroupResources['memory']>, message: RegExp): void => {
    const current: Record<string, string> = { 'memory.current': '5000', 'memory.max': 'max' };
    assert.throws(() => memory.settings({ memory: limits }, (file) => current[file]), message);
  };
  refuses({ swap: 4096 }, /needs a memory limit/);
  refuses({ limit: 4096, swap: 1024 }, /is below the memory limit 4096/);
  refuses({ limit: 4096, checkBeforeUpdate: true }, /below the 5000 bytes in use/);
});

test('io: weights in a straight line for iocost, as they are for BFQ; a rate of 0 takes the limit away', () => {
  const blockIO = {
    weight: 10,
    weightDevice: [{ major: 8, minor: 0, weight: 1000 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1048576 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 0 }],
    throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 10 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 20 }],
  };
  const rates = ['io.max 8:0 rbps=1048576', 'io.max 8:0 wbps=max', 'io.max 8:0 riops=10', 'io.max 8:0 wiops=20'];
  check(io.settings, { blockIO }, ['io.weight 1', 'io.weight 8:0 10000', ...rates]);
  const bfq = { 'io.bfq.weight': 'default 100' };
  check(io.settings, { blockIO }, ['io.bfq.weight 10', 'io.bfq.weight 8:0 1000', ...rates], bfq);
});

test('cpuset and hugetlb', () => {
  check(cpuset.settings, { cpu: { cpus: '1', mems: '0' } }, ['cpuset.cpus 1', 'cpuset.mems 0']);
  check(hugetlb.settings, { hugepageLimits: [{ pageSize: '1GB', limit: 0 }] }, [
    'hugetlb.1GB.max 0',
    'hugetlb.1GB.rsvd.max 0?',
  ]);
});

test('unified: keys are file names of a controller', () => {
  check(unified.settings, { unified: { 'memory.high': '1000', 'io.max': '8:0 rbps=1' } }, [
    'memory.high 1000',
    'io.max 8:0 rbps=1',
  ]);
  for (const key of ['../cgroup.procs', 'memory', '.memory', 'a/b.c']) {
    assert.throws(() => unified.settings({ unified: { [key]: '1' } }), /unified resource/, key);
  }
});

test('devices: a program only where there are rules', () => {
  assert.equal(devices.program({}), undefined);
  assert.equal(devices.program({ devices: [] }), undefined);
  assert.ok((devices.program({ devices: [{ allow: true, access: 'rwm' }] })?.length ?? 0) > 0);
});
