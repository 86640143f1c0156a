import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openUnpacker, unpackRecord } from './unpacker.ts';

test('the unpack records have the numbers of the native helper', () => {
  const header = readFileSync(new URL('../../native/src/protocol.h', import.meta.url), 'utf8');
  const native = Object.fromEntries(
    [...header.matchAll(/\bUNPACK_(\w+) = (\d+)/g)].map(([, name, number]) => [name!.toLowerCase(), Number(number)]),
  );
  assert.deepEqual({ ...unpackRecord }, native);
});

test('an unpacker whose program cannot be started rejects instead of waiting', async () => {
  const unpacker = openUnpacker('/', { program: '/does/not/exist' });
  unpacker.remove(Buffer.from('x'));
  await assert.rejects(unpacker.finish(), { code: 'ENOENT' });
  await unpacker[Symbol.asyncDispose]();
});

test('an unpacker whose program says nothing rejects and names the folder', async () => {
  const unpacker = openUnpacker('/some/folder', { program: '/bin/false' });
  await assert.rejects(unpacker.finish(), /ended \(status 1\) while it was filling \/some\/folder/);
});
