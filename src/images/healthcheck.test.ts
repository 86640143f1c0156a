import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthcheckOf } from './healthcheck.ts';

test('flags come before the command, which is JSON or a line for a shell', () => {
  const check = (text: string, expected: object): void => {
    const absent = { interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };
    assert.deepEqual(healthcheckOf(text), { ...absent, ...expected }, text);
  };
  check('CMD true', { test: ['CMD-SHELL', 'true'] });
  check('cmd ["a", "b c"]', { test: ['CMD', 'a', 'b c'] });
  check('NONE', { test: ['NONE'] });
  check('--interval=5s --timeout=1m --retries=3 CMD curl -f x || exit 1', {
    test: ['CMD-SHELL', 'curl -f x || exit 1'],
    interval: 5e9,
    timeout: 60e9,
    retries: 3,
  });
  check('--start-period=1ms --start-interval=2s CMD x', {
    test: ['CMD-SHELL', 'x'],
    startPeriod: 1e6,
    startInterval: 2e9,
  });
});

test('what is wrong is said', () => {
  const check = (text: string, message: RegExp): void => assert.throws(() => healthcheckOf(text), message, text);
  check('NONE x', /takes no arguments/);
  check('', /Unknown type "" in HEALTHCHECK/);
  check('RUN x', /Unknown type "RUN"/);
  check('CMD', /Missing command/);
  check('--interval=x CMD y', /invalid duration/);
  check('--retries=-1 CMD y', /parsing "-1"/);
  check('--nonsense=1 CMD y', /unknown flag: nonsense/);
  check('--toString=1 CMD y', /unknown flag: toString/);
  check('CMD [1]', /strings only/);
});
