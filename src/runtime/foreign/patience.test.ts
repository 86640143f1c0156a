import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { killBelow, RunLimit } from './patience.ts';

/** Signals as the launcher does, and tells whom. */
function fakeLauncher() {
  const killed: number[] = [];
  const signal = (pid: number): Promise<number> => {
    killed.push(pid);
    process.kill(pid, 'SIGKILL');
    return Promise.resolve(0);
  };
  return { killed, signal };
}

test('what a process has started goes, who started it last', async () => {
  const script = 'sleep 60 & sh -c "sleep 61 & wait" & wait';
  const child = spawn('/bin/sh', ['-c', `(${script}) & echo up; wait`], { stdio: ['ignore', 'pipe', 'inherit'] });
  // It may end while others are still being killed.
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  await pause(100);
  const launcher = fakeLauncher();
  await killBelow(launcher, child.pid!);
  await ended;
  assert.ok(launcher.killed.length >= 3, launcher.killed.join(' '));
});

test('never below those that have everything below them', async () => {
  const launcher = fakeLauncher();
  for (const ancestor of [0, 1, -1]) await assert.rejects(killBelow(launcher, ancestor), /nothing is killed below/);
  assert.deepEqual(launcher.killed, []);
});

test('the limit begins when the run does and its shim is known, in either order, and not once it is over', async () => {
  const idle = spawn('/bin/sleep', ['60'], { stdio: 'ignore' });
  const limited = (act: (limit: RunLimit) => void): RunLimit => {
    const limit = new RunLimit(fakeLauncher(), 20);
    act(limit);
    return limit;
  };
  const shim = idle.pid!;
  const expired = [
    limited((limit) => (limit.begin(), limit.launched(shim))),
    limited((limit) => (limit.launched(shim), limit.begin())),
  ];
  const others = [
    limited((limit) => limit.launched(shim)),
    limited((limit) => limit.begin()),
    limited((limit) => (limit.begin(), limit.end(), limit.launched(shim))),
    limited((limit) => (limit.begin(), limit.launched(shim), limit.end())),
  ];
  await pause(100);
  assert.deepEqual(
    [...expired, ...others].map(({ hasExpired }) => hasExpired),
    [true, true, false, false, false, false],
  );
  assert.equal(expired[0]!.patienceMs, 20);
  idle.kill();
});
