import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TypeUsage } from '#specs';
import { type DiskUsageLists, readDiskUsage } from './disk-usage.ts';

test('lists of an older daemon become sums, and what was not asked for is not there', () => {
  const lists = {
    LayersSize: 100,
    Images: [
      { Size: 60, SharedSize: 20, Containers: 1 },
      { Size: 60, SharedSize: 20, Containers: 0 },
    ],
    Containers: [{ State: 'running', SizeRw: 5 }, { State: 'exited', SizeRw: 7 }, { State: 'created' }],
    Volumes: [{ UsageData: { Size: 3, RefCount: 0 } }, { UsageData: { Size: -1, RefCount: 1 } }],
    BuildCache: null,
  } as unknown as DiskUsageLists;
  const told = Object.entries(readDiskUsage(lists)).map(([name, usage]) => {
    const { ActiveCount, TotalCount, Reclaimable, TotalSize } = usage as TypeUsage<object>;
    return [name, [ActiveCount, TotalCount, Reclaimable, TotalSize]];
  });
  assert.deepEqual(told, [
    ['ImageUsage', [1, 2, 60, 100]],
    ['ContainerUsage', [1, 3, 7, 12]],
    ['VolumeUsage', [1, 2, 3, 3]],
  ]);
});

test('the newer shape is left as it is, also where both are told', () => {
  const ImageUsage = { ActiveCount: 1, TotalCount: 1, Reclaimable: 0, TotalSize: 5 };
  assert.deepEqual(readDiskUsage({ ImageUsage }), { ImageUsage });
  const both = { ImageUsage, LayersSize: 9, Images: [], Containers: null, Volumes: null, BuildCache: null };
  assert.equal(readDiskUsage(both).ImageUsage, ImageUsage);
});
