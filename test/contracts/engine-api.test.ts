import { test } from 'node:test';
import { Contract } from './engine-api/exchange.ts';
import { missing } from '../support/needs.ts';
import { useDaemon } from '../support/daemon.ts';

test('x', { skip: missing('root') }, async (t) => {
  t.diagnostic('');
});
const daemon = useDaemon();
test('probe', async (t) => {
  const c = new Contract(daemon.socket);
  const id = await daemon.containers.begin({ Cmd: ['sleep', '100'] }, 'web');
  const params = { id, name: 'busybox' };
  for (const op of [
    'SystemInfo',
    'SystemVersion',
    'SystemPing',
    'SystemPingHead',
    'SystemDataUsage',
    'ContainerList',
    'ContainerInspect',
    'ContainerStats',
    'ContainerTop',
    'ContainerChanges',
    'ImageList',
    'ImageInspect',
    'ImageHistory',
    'ContainerUpdate',
    'ContainerPrune',
    'ImagePrune',
  ]) {
    await t.test(op, async () => {
      await c.call(op, {
        params,
        query: op === 'ContainerStats' ? 'stream=0' : '',
        body: op === 'ContainerUpdate' ? {} : undefined,
      });
    });
  }
});
