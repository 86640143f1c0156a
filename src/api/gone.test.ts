import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { drained, untilGone } from './gone.ts';

test('a client that went away before the wait began is not waited for', async () => {
  await drained(new PassThrough(), AbortSignal.abort());
  await untilGone(AbortSignal.abort(), () => {});
});

test('the wait ends with the drain or the end, and leaves no listener', async () => {
  const abort = new AbortController();
  const stream = new PassThrough();
  const first = drained(stream, abort.signal);
  stream.emit('drain');
  await first;
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  const second = drained(stream, abort.signal);
  abort.abort();
  await second;
});
