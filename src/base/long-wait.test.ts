/** Waits that are longer than Node's timers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { waitMs } from './long-wait.ts';

test('what is longer than a timer can be is waited for, until the signal', async () => {
  for (const milliseconds of [2 ** 31, 2 ** 32 + 1, 3600e3 * 24 * 365 * 100, Infinity]) {
    const stop = new AbortController();
    const wait = waitMs(milliseconds, stop.signal);
    assert.equal(await Promise.race([wait, after(5, 'still waiting')]), 'still waiting', String(milliseconds));
    stop.abort();
    assert.equal(await wait, false);
  }
});

test('what is short is over, and what is aborted before is not', async () => {
  for (const milliseconds of [0, 2, -1]) assert.equal(await waitMs(milliseconds, new AbortController().signal), true);
  assert.equal(await waitMs(0, AbortSignal.abort()), false);
});
