/** The eBPF device filter and CLONE_INTO_CGROUP on a real v2 hierarchy, which hybrid hosts have too (without controllers). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { CLONE, helperPath, O, readCgroupHost } from '#linux';
import { encodePlan, type Plan } from '#runtime';
import { deviceProgram } from '#wire';
import { missing } from '../support/needs.ts';
import { testCgroup } from '../support/leaks.ts';

const NONE = 0xffffffff;
const { unified } = readCgroupHost();
const reason = missing('root') || (unified ? false : 'no cgroup v2 hierarchy is mounted');

function run(folder: string, script: string): { status: number | null; stdout: string } {
  const program = deviceProgram([
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
  ]);
  const plan: Plan = {
    parent: [
      { op: 'bpfDevice', cgroup: folder, program },
      { op: 'open', slot: 8, at: NONE, path: folder, openFlags: O.PATH | O.DIRECTORY | O.CLOEXEC, mode: 0, resolve: 0 },
      { op: 'clone', flags: CLONE.NEWNS, cgroup: 8 },
      { op: 'post', number: 1 },
    ],
    child: [
      { op: 'wait', number: 1 },
      { op: 'exec', candidates: ['/bin/sh'], args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] },
    ],
  };
  const path = `/tmp/skiff-test-plan-${process.pid}`;
  writeFileSync(path, encodePlan(plan));
  const fd = openSync(path, 'r');
  rmSync(path);
  const report = openSync('/dev/null', 'w');
  const { status, stdout } = spawnSync(helperPath(), ['run', '--foreground'], {
    stdio: ['ignore', 'pipe', 'ignore', fd, report],
    encoding: 'utf8',
    timeout: 10_000,
  });
  closeSync(fd);
  closeSync(report);
  return { status, stdout };
}

test('on cgroup v2 a process may open the devices of its rules and no others', { skip: reason }, () => {
  const folder = `${unified!.mountPoint}/${testCgroup(`devices-${process.pid}`)}`;
  mkdirSync(folder);
  try {
    const { status, stdout } = run(
      folder,
      'cat /proc/self/cgroup; : > /dev/null && echo null; : < /dev/zero && echo zero',
    );
    assert.equal(status, 2, stdout);
    assert.match(stdout, new RegExp(`0::.*${folder.split('/').at(-1)}`));
    assert.match(stdout, /null/);
    assert.doesNotMatch(stdout, /zero/);
  } finally {
    rmdirSync(folder);
  }
});
