import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statsJson } from './stats-json.ts';

const container = { id: 'ab', name: 'box' } as unknown as Parameters<typeof statsJson>[0];
const sample: NonNullable<Parameters<typeof statsJson>[1]> = {
  timeNs: 1_000_000_001n,
  hostCpuNs: 500,
  onlineCpus: 2,
  cgroup: {
    cpu: {
      usageNs: 10,
      userNs: 6,
      systemNs: 4,
      perCpuNs: [3, 7],
      throttling: { periods: 1, throttledPeriods: 2, throttledNs: 3 },
    },
    memory: { usageBytes: 100, limitBytes: 200, maxBytes: 150, failures: 0, stat: { cache: 5 } },
    pids: { current: 4, limit: 8 },
    blockIo: { bytes: [{ major: 8, minor: 1, operation: 'Read', value: 9 }], operations: [] },
  },
};

test('statsJson() has the fields of cgroup v1, and only those v2 has on v2', () => {
  const v1 = statsJson(container, sample, sample, 1, 55) as Record<string, Record<string, unknown>>;
  assert.deepEqual(v1['memory_stats'], { usage: 100, max_usage: 150, stats: { cache: 5 }, limit: 200 });
  assert.deepEqual(v1['blkio_stats']?.['io_service_bytes_recursive'], [{ major: 8, minor: 1, op: 'Read', value: 9 }]);
  assert.deepEqual(v1['blkio_stats']?.['sectors_recursive'], []);
  assert.deepEqual(v1['pids_stats'], { current: 4, limit: 8 });
  assert.equal(v1['read'], '1970-01-01T00:00:01.000000001Z');
  assert.deepEqual(v1['precpu_stats'], v1['cpu_stats']);
  const v2 = statsJson(container, sample, undefined, 2, 55) as Record<string, Record<string, unknown>>;
  assert.equal(v2['memory_stats']?.['max_usage'], undefined);
  assert.deepEqual(v2['blkio_stats']?.['io_service_bytes_recursive'], [{ major: 8, minor: 1, op: 'read', value: 9 }]);
  assert.equal(v2['blkio_stats']?.['io_serviced_recursive'], null);
  assert.equal(v2['preread'], '0001-01-01T00:00:00Z');
});

test('statsJson() of a container that does not run is Docker-shaped nothing', () => {
  const none = statsJson(container, undefined, undefined, 1, 55) as Record<string, unknown>;
  assert.deepEqual([none['memory_stats'], none['pids_stats'], none['name']], [{}, {}, '/box']);
  assert.deepEqual(none['cpu_stats'], none['precpu_stats']);
});
