import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import type { RequestContext } from '#rpc';
import { commandFrames, encodeFrame } from '#wire';
import { commandRoutes } from './command.ts';

test('a command the daemon cannot load is left to the client, which is not kept waiting', async () => {
  const [client, door] = duplexPair();
  const broken = (): Promise<void> => Promise.reject(new Error('Cannot find module'));
  const [route] = commandRoutes(broken, () => assert.fail('nothing is asked'));
  const handled = route!.handle({ hijack: () => door } as unknown as RequestContext);
  await assert.rejects(handled, /Cannot find module/);
  assert.deepEqual(await buffer(client), encodeFrame(commandFrames.elsewhere));
});
