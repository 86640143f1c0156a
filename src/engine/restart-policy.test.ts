import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Ending,
  nextDelayMs,
  parseRestartPolicy,
  type RestartPolicyName,
  restartsAfter,
  startsWithDaemon,
} from './restart-policy.ts';

test('parseRestartPolicy() takes the four names and refuses the rest in Docker words', () => {
  for (const name of ['no', 'always', 'unless-stopped', 'on-failure']) {
    assert.deepEqual(parseRestartPolicy(name, 0), { name, maximumRetries: 0 });
  }
  assert.deepEqual(parseRestartPolicy('', 0), { name: 'no', maximumRetries: 0 });
  assert.deepEqual(parseRestartPolicy('on-failure', 3), { name: 'on-failure', maximumRetries: 3 });
  assert.throws(() => parseRestartPolicy('sometimes', 0), /unknown policy 'sometimes'/);
  assert.throws(() => parseRestartPolicy('always', 2), /can only be used with 'on-failure'$/);
  assert.throws(() => parseRestartPolicy('always', -2), /can only be used with 'on-failure' and cannot be negative$/);
  assert.throws(() => parseRestartPolicy('on-failure', -1), /maximum retry count cannot be negative/);
});

test('restartsAfter() looks at the policy, the code, the user and the count', () => {
  const check = (name: RestartPolicyName, over: Partial<Ending> & { maximum?: number }, expected: boolean): void => {
    const { maximum = 0, ...rest } = over;
    const ending = { exitCode: 1, stoppedByUser: false, restartCount: 0, ...rest };
    const policy = { name, maximumRetries: maximum };
    assert.equal(restartsAfter({ policy, ...ending }), expected, `${name} ${JSON.stringify(over)}`);
  };
  check('no', {}, false);
  check('always', { exitCode: 0 }, true);
  check('always', { stoppedByUser: true }, true);
  check('unless-stopped', { exitCode: 0 }, true);
  check('unless-stopped', { stoppedByUser: true }, false);
  check('on-failure', { exitCode: 0 }, false);
  check('on-failure', { restartCount: 1000 }, true);
  check('on-failure', { maximum: 2, restartCount: 1 }, true);
  check('on-failure', { maximum: 2, restartCount: 2 }, false);
});

test('nextDelayMs() doubles from 100 ms to a minute and begins anew after ten seconds of running', () => {
  const delays = [0];
  for (let turn = 0; turn < 12; turn++) delays.push(nextDelayMs(delays.at(-1)!, 9_999));
  assert.deepEqual(delays.slice(1, 6), [100, 200, 400, 800, 1600]);
  assert.deepEqual(delays.slice(-3), [51_200, 60_000, 60_000]);
  assert.equal(nextDelayMs(60_000, 10_000), 100);
});

test('startsWithDaemon() is for always and unless-stopped, once they were started', () => {
  const check = (name: RestartPolicyName, started: boolean, stopped: boolean, expected: boolean): void =>
    assert.equal(startsWithDaemon({ name, maximumRetries: 0 }, started, stopped), expected, name);
  check('always', true, true, true);
  check('always', false, false, false);
  check('unless-stopped', true, false, true);
  check('unless-stopped', true, true, false);
  check('on-failure', true, false, false);
  check('no', true, false, false);
});
