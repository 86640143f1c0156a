import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLayerUnpacker } from './layer-unpacker.ts';
import type { UnpackedLayer } from './unpack-archive.ts';
import type { UnpackRequest, UnpackThread } from './unpack-thread.ts';

test('a thread that cannot be started fails its job alone, and nothing is left to be cancelled', async () => {
  let starts = 0;
  const layer = {} as UnpackedLayer;
  const thread = { isBusy: false, run: async () => layer, end: async () => {} } as unknown as UnpackThread;
  await using unpacker = openLayerUnpacker({ helperProgram: '/none', threads: 1 }, () => {
    starts += 1;
    if (starts === 1) throw new Error('no more threads');
    return thread;
  });
  const stop = new AbortController();
  const request = { blob: '/b', folder: '/f', signal: stop.signal } as unknown as UnpackRequest;
  await assert.rejects(unpacker.unpack(request), {
    code: 'image.unpack',
    message: 'unpacking the archive failed: no more threads',
  });
  stop.abort();
  assert.equal(await unpacker.unpack({ ...request, signal: new AbortController().signal }), layer);
});
