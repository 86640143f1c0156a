import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { followSize } from './terminal-size.ts';

/** A terminal whose size a test changes, and calls that end when the test lets them. */
function world() {
  const stdout = Object.assign(new PassThrough(), { isTTY: true, rows: 24, columns: 80 });
  const calls: string[] = [];
  const waiting: (() => void)[] = [];
  const following = followSize(stdout, async (rows, columns) => {
    calls.push(`${rows} ${columns}`);
    await new Promise<void>((resolve) => waiting.push(resolve));
  });
  const resize = (rows: number, columns: number): void => {
    Object.assign(stdout, { rows, columns });
    stdout.emit('resize');
  };
  const finish = async (): Promise<void> => {
    waiting.shift()?.();
    await new Promise(setImmediate);
  };
  return { calls, following, resize, finish };
}

test('the size there is comes first, and of changes meanwhile the last, after it', async () => {
  const { calls, following, resize, finish } = world();
  assert.deepEqual(calls, ['24 80']);
  resize(44, 80);
  resize(44, 111);
  assert.deepEqual(calls, ['24 80']);
  await finish();
  assert.deepEqual(calls, ['24 80', '44 111']);
  await finish();
  resize(10, 20);
  assert.deepEqual(calls.slice(2), ['10 20']);
  resize(1, 1);
  following[Symbol.dispose]();
  await finish();
  assert.deepEqual(calls.slice(2), ['10 20'], 'nothing after its end');
});
