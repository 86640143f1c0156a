import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../plan/op.ts';
import { foreignFailure, foreignPlanFailure } from './foreign-failure.ts';

const CREATE = 'failed to create task for container: failed to create shim task: OCI runtime create failed: ';

test('a runtime’s words get Docker’s in front, and its exit codes', () => {
  for (const [said, code] of [
    ['runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH', 127],
    ['executable file `nope` not found in $PATH: No such file or directory', 127],
    ['runc create failed: unable to start container process: exec: "/etc/passwd": permission denied', 126],
    ['open executable: Permission denied', 126],
    ['cgroups in hybrid mode not supported, drop all controllers from cgroupv2', 128],
  ] as const) {
    const error = foreignFailure('create', said);
    assert.equal(error.message, `${CREATE}${said}: unknown`);
    assert.equal(error.details['exitCode'], code, said);
    assert.equal(error.kind, code === 128 ? 'internal' : 'invalid');
  }
  assert.equal(foreignFailure('exec', 'why').message, 'why: unknown', 'the API has the words in front of an exec');
});

test('a failure of our own work is told as such, one to run the runtime with its path', () => {
  const plan: Plan = {
    parent: [{ op: 'clone', flags: 0, cgroup: 0xffffffff }],
    child: [
      { op: 'chdir', path: '/run/x' },
      { op: 'findExec', candidates: ['/no/such'] },
      { op: 'exec', candidates: ['/no/such'], args: ['/no/such'], env: [] },
    ],
  };
  const failure = (index: number) =>
    ({ stream: 'child', index, code: 0, errno: 2, detail: 'the runtime: exited with 1' }) as const;
  const source = { plan, program: '/no/such', log: '/no/such/log' };
  assert.match(foreignPlanFailure('create', source, failure(0)).message, /\/run\/x/);
  const missing = foreignPlanFailure('create', source, failure(1));
  assert.equal(missing.message, `${CREATE}fork/exec /no/such: no such file or directory: unknown`);
  const silent = foreignPlanFailure('create', source, failure(0xffffffff));
  assert.equal(silent.message, `${CREATE}the runtime: exited with 1: unknown`);
});
