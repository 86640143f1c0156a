import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, observe, type Operation, type Status } from './status.ts';

test('the status is what the kernel says of process and cgroup', () => {
  const see = (beingCreated: boolean, process: { execed: boolean } | undefined, frozen: boolean): Status =>
    observe({ beingCreated, frozen, ...(process && { process }) });
  assert.equal(see(true, undefined, false), 'creating');
  assert.equal(see(false, undefined, false), 'stopped');
  assert.equal(see(false, undefined, true), 'stopped');
  assert.equal(see(false, { execed: false }, false), 'created');
  assert.equal(see(false, { execed: true }, false), 'running');
  assert.equal(see(false, { execed: true }, true), 'paused');
});

test('operations are refused in the wrong state with the words that callers look for', () => {
  const refuse = (operation: Operation, status: Status, expected: RegExp): void =>
    assert.throws(() => check(operation, 'c', status), expected, `${operation} ${status}`);
  check('start', 'c', 'created');
  check('delete', 'c', 'stopped');
  check('delete --force', 'c', 'running');
  check('kill', 'c', 'paused');
  refuse('start', 'running', /cannot start container c: it is running/);
  refuse('start', 'stopped', /container not running/);
  refuse('kill', 'stopped', /container not running/);
  refuse('resume', 'running', /container not paused/);
  refuse('delete', 'running', /cannot delete container c: it is running/);
  refuse('exec', 'paused', /it is paused/);
});
