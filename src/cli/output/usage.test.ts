import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStats } from '#specs';
import { usageRow } from './usage.ts';

const look = (cpu: number, host: number, over: Partial<ContainerStats> = {}): ContainerStats => ({
  id: 'd1a0601b05be0823209663db335b242b75a7664d990985fecacdc10a47aa1681',
  name: '/box',
  read: '',
  pids_stats: { current: 3 },
  cpu_stats: { cpu_usage: { total_usage: cpu }, system_cpu_usage: host, online_cpus: 2 },
  memory_stats: { usage: 4 << 20, limit: 1 << 30, stats: { total_inactive_file: 1 << 20, inactive_file: 5 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { op: 'Read', value: 1000 },
      { op: 'write', value: 2000 },
      { op: 'Total', value: 3000 },
    ],
  },
  ...over,
});

test('usageRow() tells shares from two looks, and what Docker calls used memory', () => {
  const row = usageRow(look(600, 2000), look(100, 1000), true);
  assert.deepEqual(
    [row.ID, row.Name, row.CPUPerc, row.MemUsage, row.MemPerc, row.NetIO, row.BlockIO, row.PIDs],
    ['d1a0601b05be', 'box', '100.00%', '3MiB / 1GiB', '0.29%', '0B / 0B', '1kB / 2kB', '3'],
  );
  assert.equal(usageRow(look(600, 2000), undefined, false).CPUPerc, '--');
  assert.equal(usageRow(look(600, 2000), undefined, false).ID.length, 64);
  const v2 = { memory_stats: { usage: 100, limit: 1000, stats: { inactive_file: 60 } } };
  assert.equal(usageRow(look(1, 1, v2), undefined, true).MemPerc, '4.00%');
  const stopped = usageRow(look(0, 0, { memory_stats: {}, pids_stats: {} }), undefined, true);
  assert.deepEqual([stopped.CPUPerc, stopped.MemUsage, stopped.PIDs], ['0.00%', '0B / 0B', '0']);
});
