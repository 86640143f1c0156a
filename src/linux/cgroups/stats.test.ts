import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CgroupStats, joinStats, type Stats } from './stats.ts';
import * as blkio from './v1/blkio.ts';
import * as cpu1 from './v1/cpu.ts';
import * as cpuacct from './v1/cpuacct.ts';
import * as hugetlb1 from './v1/hugetlb.ts';
import * as memory1 from './v1/memory.ts';
import * as pids from './v1/pids.ts';
import * as cpu2 from './v2/cpu.ts';
import * as hugetlb2 from './v2/hugetlb.ts';
import * as io from './v2/io.ts';
import * as memory2 from './v2/memory.ts';

function check(stats: Stats, files: Readonly<Record<string, string>>, expected: CgroupStats): void {
  assert.deepEqual(
    stats((file) => files[file]),
    expected,
  );
}

test('cpu: v1 counts time and throttling in different controllers, v2 in one file', () => {
  const files: Record<string, string> = {
    'cpuacct.usage': '5000000000',
    'cpuacct.usage_percpu': '3000000000 2000000000 ',
    'cpuacct.stat': 'user 300\nsystem 150',
    'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 250000',
  };
  const read = (file: string): string | undefined => files[file];
  assert.deepEqual(joinStats([cpuacct.stats(read), cpu1.stats(read)]), {
    cpu: {
      usageNs: 5e9,
      userNs: 3e9,
      systemNs: 1.5e9,
      perCpuNs: [3e9, 2e9],
      throttling: { periods: 10, throttledPeriods: 4, throttledNs: 250000 },
    },
  });
  check(
    cpu2.stats,
    {
      'cpu.stat':
        'usage_usec 5000000\nuser_usec 3000000\nsystem_usec 1500000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 250',
    },
    {
      cpu: {
        usageNs: 5e9,
        userNs: 3e9,
        systemNs: 1.5e9,
        throttling: { periods: 10, throttledPeriods: 4, throttledNs: 250000 },
      },
    },
  );
});

test('memory: usage, limit, failures and the raw statistics; unlimited has no limit', () => {
  check(
    memory1.stats,
    {
      'memory.usage_in_bytes': '1000',
      'memory.limit_in_bytes': '9223372036854771712',
      'memory.max_usage_in_bytes': '2000',
      'memory.failcnt': '3',
      'memory.stat': 'cache 10\ntotal_inactive_file 7',
      'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2',
    },
    {
      memory: {
        usageBytes: 1000,
        maxBytes: 2000,
        failures: 3,
        stat: { cache: 10, total_inactive_file: 7 },
        oomKills: 2,
      },
    },
  );
  check(
    memory2.stats,
    {
      'memory.current': '1000',
      'memory.max': '4096',
      'memory.swap.current': '5',
      'memory.events': 'low 0\nhigh 0\nmax 3\noom 2\noom_kill 1',
      'memory.stat': 'anon 10\ninactive_file 7',
    },
    {
      memory: {
        usageBytes: 1000,
        limitBytes: 4096,
        failures: 3,
        swapBytes: 5,
        stat: { anon: 10, inactive_file: 7 },
        oomKills: 1,
      },
    },
  );
  check(memory2.stats, {}, {});
});

test('pids: current and limit', () => {
  check(pids.stats, { 'pids.current': '7', 'pids.max': 'max' }, { pids: { current: 7 } });
  check(pids.stats, { 'pids.current': '7', 'pids.max': '9' }, { pids: { current: 7, limit: 9 } });
  check(pids.stats, {}, {});
});

test('block I/O: the first file that counts anything on v1, io.stat on v2', () => {
  const read = { major: 8, minor: 0, operation: 'Read', value: 4096 };
  check(
    blkio.stats,
    {
      'blkio.bfq.io_service_bytes_recursive': 'Total 0',
      'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Total 4096\nTotal 4096',
      'blkio.throttle.io_serviced_recursive': '8:0 Read 1\nTotal 1',
    },
    {
      blockIo: {
        bytes: [read, { ...read, operation: 'Total' }],
        operations: [{ ...read, value: 1 }],
      },
    },
  );
  check(
    io.stats,
    { 'io.stat': '8:0 rbytes=4096 wbytes=0 rios=1 wios=2 dbytes=0 dios=0\n7:0 ' },
    {
      blockIo: {
        bytes: [read, { ...read, operation: 'Write', value: 0 }, { ...read, operation: 'Discard', value: 0 }],
        operations: [
          { ...read, value: 1 },
          { ...read, operation: 'Write', value: 2 },
          { ...read, operation: 'Discard', value: 0 },
        ],
      },
    },
  );
});

test('hugetlb: by page size, where the kernel has it', () => {
  const v1: Record<string, string> = {
    'hugetlb.2MB.usage_in_bytes': '2097152',
    'hugetlb.2MB.max_usage_in_bytes': '4194304',
    'hugetlb.2MB.failcnt': '1',
  };
  assert.deepEqual(
    hugetlb1.stats((file) => v1[file], ['2MB', '1GB']),
    { hugetlb: { '2MB': { usageBytes: 2097152, maxBytes: 4194304, failures: 1 } } },
  );
  const v2: Record<string, string> = { 'hugetlb.1GB.current': '0', 'hugetlb.1GB.events': 'max 2' };
  assert.deepEqual(
    hugetlb2.stats((file) => v2[file], ['2MB', '1GB']),
    { hugetlb: { '1GB': { usageBytes: 0, failures: 2 } } },
  );
});
