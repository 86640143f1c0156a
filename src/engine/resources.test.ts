import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceSettings } from './container-settings.ts';
import { checkResources, toOciResources, withoutVainWeights } from './resources.ts';

const none: ResourceSettings = {
  ...{ memoryBytes: 0, memorySwapBytes: 0, memoryReservationBytes: 0, oomKillDisable: false, nanoCpus: 0 },
  ...{ cpuShares: 0, cpuPeriodUs: 0, cpuQuotaUs: 0, cpusetCpus: '', cpusetMems: '', pidsLimit: 0, blkioWeight: 0 },
  ...{ deviceReadBps: [], deviceWriteBps: [], deviceReadIops: [], deviceWriteIops: [] },
};

test('real-time shares and weights of devices are part of the config, and nothing of them is where they were not asked for', () => {
  const { cpu } = toOciResources({ ...none, realtimePeriodUs: 1000, realtimeRuntimeUs: 500 }, []);
  assert.deepEqual(cpu, { realtimePeriod: 1000, realtimeRuntime: 500 });
  assert.deepEqual([toOciResources(none, []).cpu, toOciResources(none, []).blockIO], [{}, {}]);
  const weights = [{ path: '/dev/null', weight: 100 }];
  assert.throws(() => toOciResources({ ...none, deviceWeights: weights }, []), /\/dev\/null is not a block device/);
});

test('what makes no sense is refused in Docker’s words', () => {
  for (const [settings, message] of [
    [{ realtimePeriodUs: 10, realtimeRuntimeUs: 20 }, /cpu real-time runtime cannot be higher than/],
    [{ blkioWeight: 9 }, /Range of blkio weight is from 10 to 1000/],
    [{ deviceWeights: [{ path: '/dev/x', weight: 1001 }] }, /Range of blkio weight is from 10 to 1000/],
  ] as const) {
    assert.throws(() => checkResources({ ...none, ...settings }, 1), message);
  }
});

test('without weights there is nothing to discard', () => {
  assert.deepEqual(withoutVainWeights(none, 1), { resources: none, warnings: [] });
});
