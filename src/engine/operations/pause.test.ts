/** A pause whose container changes while it is being frozen. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeyedMutex, memoryRecordStores, nowNs } from '#base';
import { type ContainerRecord, openContainers } from '../container-record.ts';
import { createEvents } from '../events.ts';
import type { EngineParts } from '../parts.ts';
import { pauseContainer } from './pause.ts';

const ID = 'a'.repeat(64);

/** A running container; `freeze` is what becomes of it meanwhile. */
function world(freeze: (change: (changes: Partial<ContainerRecord>) => void) => void) {
  const containers = openContainers(memoryRecordStores().of<ContainerRecord>('container'));
  const running = { id: ID, name: 'c', status: 'running', settings: { host: {} }, program: {} };
  containers.put(running as unknown as ContainerRecord);
  const thawed: string[] = [];
  const parts = {
    containers,
    events: createEvents(nowNs),
    locks: new KeyedMutex(),
    options: { cgroupParent: '/test' },
    runtime: {
      freeze: async () => freeze((changes) => containers.put({ ...containers.get(ID)!, ...changes })),
      thaw: (path: string) => void thawed.push(path),
    },
  } as unknown as EngineParts;
  return { parts, thawed, record: () => containers.get(ID)! };
}

describe('pauseContainer()', () => {
  test('keeps what was noted meanwhile', async () => {
    const { parts, thawed, record } = world((change) => change({ error: 'noted' }));
    await pauseContainer(parts, ID);
    assert.deepEqual([record().status, record().error, thawed], ['paused', 'noted', []]);
  });

  test('is refused for one that ends meanwhile, which is not thereby paused', async () => {
    const { parts, thawed, record } = world((change) => change({ status: 'exited' }));
    await assert.rejects(pauseContainer(parts, ID), { message: `container ${ID} is not running` });
    assert.deepEqual([record().status, thawed], ['exited', [`/test/${ID}`]]);
    assert.deepEqual(parts.events.history(), []);
  });

  test('is refused in the same words where the cgroup has gone with it', async () => {
    const { parts } = world((change) => {
      change({ status: 'exited' });
      throw new Error('no such cgroup');
    });
    await assert.rejects(pauseContainer(parts, ID), { message: `container ${ID} is not running` });
  });

  test('fails as the kernel fails, and then nothing is paused', async () => {
    const { parts, record } = world(() => {
      throw new Error('it does not freeze');
    });
    await assert.rejects(pauseContainer(parts, ID), { message: 'it does not freeze' });
    assert.equal(record().status, 'running');
  });
});
