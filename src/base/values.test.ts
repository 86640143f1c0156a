import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedMutex } from './keyed-mutex.ts';
import { formatBytes, humanDuration, parseBytes, parseDurationMs } from './sizes.ts';
import { compareTimes, formatTimeNs, parseTimeNs } from './time.ts';

test('parseBytes() reads Docker sizes', () => {
  for (const [text, bytes] of [
    ['0', 0],
    ['512', 512],
    ['1k', 1024],
    ['1.5g', 1610612736],
    ['10KiB', 10240],
    ['2MB', 2097152],
  ] as const) {
    assert.equal(parseBytes(text), bytes, text);
  }
  for (const text of ['', 'x', '1x', '-1', '1.2.3m']) assert.throws(() => parseBytes(text), /invalid size/, text);
});

test('formatBytes() shows three digits', () => {
  assert.deepEqual(
    [0, 999, 1000, 1234567, 5.5e9].map((bytes) => formatBytes(bytes)),
    ['0B', '999B', '1kB', '1.23MB', '5.5GB'],
  );
});

test('parseDurationMs() reads Go durations', () => {
  for (const [text, ms] of [
    ['0', 0],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
  ] as const) {
    assert.equal(parseDurationMs(text), ms, text);
  }
  for (const text of ['', '10', 's', '1s2', '1x']) assert.throws(() => parseDurationMs(text), /invalid duration/, text);
});

test('humanDuration() speaks as docker ps does', () => {
  const second = 1000;
  const words: [number, string][] = [
    [0.5, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, 'About a minute'],
    [3599, '59 minutes'],
    [3600, 'About an hour'],
    [7200, '2 hours'],
    [86400 * 3, '3 days'],
    [86400 * 20, '2 weeks'],
  ];
  for (const [seconds, text] of words) assert.equal(humanDuration(seconds * second), text);
});

test('times keep nanoseconds both ways', () => {
  for (const text of ['2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.1Z']) {
    assert.equal(formatTimeNs(parseTimeNs(text)!), text);
  }
  assert.equal(parseTimeNs('2026-01-02T05:04:05+02:00'), parseTimeNs('2026-01-02T03:04:05Z'));
  assert.equal(parseTimeNs('yesterday'), undefined);
});

test('KeyedMutex runs work on one key in order, also after a failure, and other keys beside it', async () => {
  const mutex = new KeyedMutex();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = mutex.run('a', async () => {
    await gate.promise;
    seen.push('first');
    throw new Error('failed');
  });
  const second = mutex.run('a', async () => void seen.push('second'));
  await mutex.run('b', async () => void seen.push('other'));
  gate.resolve();
  await assert.rejects(first, /failed/);
  await second;
  assert.deepEqual(seen, ['other', 'first', 'second']);
  assert.equal(mutex.busy('a'), false);
});

test('times in text compare as times, however many digits their fractions have', () => {
  const inOrder = [0n, 1n, 10_000n, 500_000_000n, 510_000_000n, 512_345_000n, 999_999_999n, 1_000_000_000n].map(
    (timeNs) => formatTimeNs(1_800_000_000_000_000_000n + timeNs),
  );
  for (const [at, time] of inOrder.entries())
    for (const [other, second] of inOrder.entries())
      assert.equal(Math.sign(compareTimes(time, second)), Math.sign(at - other), `${time} ${second}`);
});
