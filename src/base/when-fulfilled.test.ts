/** Who waits for a promise that lives long, and who gives up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { whenFulfilled } from './when-fulfilled.ts';

test('all who wait are told once, those who gave up are not, and who comes late is told too', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const told: string[] = [];
  const tell = (name: string) => whenFulfilled(promise, () => void told.push(name));
  tell('first');
  tell('gone')[Symbol.dispose]();
  tell('second');
  resolve();
  assert.deepEqual(told, [], 'never at once');
  await nextTurn();
  tell('late');
  assert.deepEqual(told, ['first', 'second']);
  await nextTurn();
  assert.deepEqual(told, ['first', 'second', 'late']);
});

test('nothing of who gave up stays with the promise', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { promise } = Promise.withResolvers<void>();
  const giveUp = (): WeakRef<object> => {
    const burden = { bytes: 'of a request' };
    whenFulfilled(promise, () => void burden.bytes)[Symbol.dispose]();
    return new WeakRef(burden);
  };
  const burden = giveUp();
  await nextTurn();
  collect();
  assert.equal(burden.deref(), undefined);
});
