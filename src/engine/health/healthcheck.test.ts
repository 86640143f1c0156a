import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkHealthcheck,
  goDuration,
  type Health,
  healthAfter,
  healthAtStart,
  mergeHealthcheck,
  probeDelayMs,
  probeOf,
} from './healthcheck.ts';

const none = { test: [], interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };
const result = (exitCode: number) => ({ start: '', end: '', exitCode, output: String(exitCode) });

test('probeOf() knows CMD and CMD-SHELL, fills in defaults, and finds no probe in anything else', () => {
  const check = (words: readonly string[], args: readonly string[] | undefined, shell: readonly string[] = []): void =>
    assert.deepEqual(probeOf({ ...none, test: words }, shell)?.args, args);
  check(['CMD', 'a', 'b'], ['a', 'b']);
  check(['CMD-SHELL', 'a b'], ['/bin/sh', '-c', 'a b']);
  check(['CMD-SHELL', 'a b'], ['/bin/ash', '-ec', 'a b'], ['/bin/ash', '-ec']);
  check(['NONE'], undefined);
  check(['CMD'], undefined);
  check(['ELSE', 'a'], undefined);
  check([], undefined);
  assert.equal(probeOf(undefined, []), undefined);
  const { args: _, ...times } = probeOf({ ...none, test: ['CMD', 'a'], interval: 1.5e9 }, [])!;
  assert.deepEqual(times, {
    intervalMs: 1500,
    timeoutMs: 30_000,
    startPeriodMs: 0,
    startIntervalMs: 5000,
    retries: 3,
  });
});

test('mergeHealthcheck() takes from the image what the container does not say', () => {
  const image = { ...none, test: ['CMD', 'x'], interval: 5e9, retries: 7 };
  assert.equal(mergeHealthcheck(undefined, image), image);
  assert.deepEqual(mergeHealthcheck({ ...none, interval: 2e9 }, image), { ...image, interval: 2e9 });
  assert.deepEqual(mergeHealthcheck({ ...none, test: ['NONE'] }, image)?.test, ['NONE']);
  assert.equal(mergeHealthcheck(undefined, undefined), undefined);
});

test('checkHealthcheck() refuses times below a millisecond and negative numbers', () => {
  checkHealthcheck({ ...none, interval: 1e6 });
  const refused = (over: object, words: RegExp): void =>
    assert.throws(() => checkHealthcheck({ ...none, ...over }), words);
  refused({ interval: 999_999 }, /^Error|Interval in Healthcheck cannot be less than 1ms/);
  refused({ timeout: -1 }, /Timeout in Healthcheck cannot be less than 1ms/);
  refused({ startPeriod: 10 }, /StartPeriod in Healthcheck/);
  refused({ startInterval: 10 }, /StartInterval in Healthcheck/);
  refused({ retries: -1 }, /Retries in Healthcheck cannot be negative/);
});

test('healthAfter() counts failures, forgives those of the start period, and keeps five results', () => {
  const probe = probeOf({ ...none, test: ['CMD', 'x'], retries: 2, startPeriod: 1e9 }, [])!;
  const steps = (list: readonly (readonly [code: number, sinceStartMs: number])[]): Health =>
    list.reduce<Health>((health, [code, at]) => healthAfter(health, result(code), probe, at), healthAtStart(undefined));
  const check = (list: Parameters<typeof steps>[0], status: string, streak: number): void => {
    const health = steps(list);
    assert.deepEqual([health.status, health.failingStreak], [status, streak], JSON.stringify(list));
  };
  check([], 'starting', 0);
  check(
    [
      [1, 10],
      [1, 999],
    ],
    'starting',
    0,
  );
  check(
    [
      [1, 10],
      [1, 1000],
    ],
    'starting',
    1,
  );
  check(
    [
      [1, 1000],
      [1, 2000],
    ],
    'unhealthy',
    2,
  );
  check(
    [
      [0, 10],
      [1, 20],
    ],
    'healthy',
    1,
  );
  check(
    [
      [0, 10],
      [1, 20],
      [-1, 30],
    ],
    'unhealthy',
    2,
  );
  check(
    [
      [1, 1000],
      [1, 2000],
      [0, 3000],
    ],
    'healthy',
    0,
  );
  const many = steps([1, 2, 3, 4, 5, 6, 7].map((code) => [code, 5000] as const));
  assert.deepEqual(
    many.log.map(({ exitCode }) => exitCode),
    [3, 4, 5, 6, 7],
  );
  assert.equal(many.failingStreak, 7);
});

test('probeDelayMs() is the start interval only while starting in the start period', () => {
  const probe = probeOf({ ...none, test: ['CMD', 'x'], startPeriod: 1e9, startInterval: 1e8, interval: 2e9 }, [])!;
  assert.equal(probeDelayMs(probe, 'starting', 0), 100);
  assert.equal(probeDelayMs(probe, 'starting', 1000), 2000);
  assert.equal(probeDelayMs(probe, 'healthy', 0), 2000);
});

test('goDuration() prints as Go does', () => {
  const check = (ms: number, expected: string): void => assert.equal(goDuration(ms), expected);
  check(500, '500ms');
  check(1000, '1s');
  check(1500, '1.5s');
  check(30_000, '30s');
  check(90_000, '1m30s');
  check(3_600_000, '1h0m0s');
});
