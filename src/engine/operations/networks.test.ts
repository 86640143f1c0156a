/** Networks joined and left by a container that ends, or is stopped, while the kernel is asked. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeyedMutex, memoryRecordStores, nowNs } from '#base';
import { emptyWish, type NetworkState } from '#network';
import { type ContainerRecord, openContainers } from '../container-record.ts';
import { createEvents } from '../events.ts';
import type { EngineParts } from '../parts.ts';
import { connectContainer, disconnectContainer } from './networks.ts';

const ID = 'a'.repeat(64);
const BEFORE: NetworkState = { endpoints: [], ports: [] };
const AFTER: NetworkState = { endpoints: [], ports: [], gateway: 'new' };

/** A container that runs on network `one`; `meanwhile` is what becomes of it before the kernel answers. */
function world(answer: Promise<NetworkState>, meanwhile: Partial<ContainerRecord>) {
  const containers = openContainers(memoryRecordStores().of<ContainerRecord>('container'));
  const running = {
    ...{ id: ID, name: 'c', status: 'running', process: { pid: 7, startTime: '1' }, network: BEFORE },
    settings: { hostname: '', labels: {}, host: { networkMode: 'one', extraHosts: [] } },
    program: { labels: {}, exposedPorts: [] },
  };
  containers.put(running as unknown as ContainerRecord);
  const released: NetworkState[] = [];
  const change = async (): Promise<NetworkState> => {
    const { process: _, network: __, ...ended } = containers.get(ID)!;
    containers.put({ ...ended, ...meanwhile });
    return answer;
  };
  const parts = {
    containers,
    events: createEvents(nowNs),
    locks: new KeyedMutex(),
    options: { execRoot: '/nowhere' },
    networks: {
      find: (name: string) => ({ id: name, name, driver: 'bridge' }),
      release: (_id: string, state: NetworkState) => void released.push(state),
      connect: change,
      disconnect: change,
    },
  } as unknown as EngineParts;
  return { parts, released, record: () => containers.get(ID)! };
}

const operations = {
  connect: (parts: EngineParts) => connectContainer(parts, 'two', ID, emptyWish),
  disconnect: (parts: EngineParts) => disconnectContainer(parts, 'one', ID),
};

describe('a container that ends meanwhile', () => {
  for (const [name, operation] of Object.entries(operations)) {
    test(`${name}: stays ended, has what was asked for at its next start, and keeps nothing until then`, async () => {
      const { parts, released, record } = world(Promise.resolve(AFTER), { status: 'exited', stoppedByUser: true });
      const { settings: before } = record();
      await operation(parts);
      const { status, process, network, stoppedByUser, settings } = record();
      assert.deepEqual([status, process, network, stoppedByUser], ['exited', undefined, undefined, true]);
      assert.notDeepEqual(settings, before);
      assert.deepEqual(released, [AFTER]);
    });

    test(`${name}: what the kernel says of one that is gone is no failure`, async () => {
      const { parts, released, record } = world(Promise.reject(new Error('no such process')), { status: 'exited' });
      await operation(parts);
      assert.equal(record().status, 'exited');
      assert.deepEqual(released, [BEFORE]);
    });

    test(`${name}: a failure is one while it runs, and changes nothing`, async () => {
      const process = { pid: 7, startTime: '1' };
      const { parts, released, record } = world(Promise.reject(new Error('refused')), { process, network: BEFORE });
      const before = record();
      await assert.rejects(operation(parts), { message: 'refused' });
      assert.deepEqual([record(), released], [before, []]);
    });
  }
});
