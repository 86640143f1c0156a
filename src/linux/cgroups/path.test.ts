import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCgroupsPath } from './path.ts';

function check(text: string, path: string): void {
  assert.equal(parseCgroupsPath(text), path);
}

test('parseCgroupsPath() leaves plain paths alone', () => {
  check('/docker/abc', '/docker/abc');
  check('relative', 'relative');
  check('/kubepods/pod1:2:3', '/kubepods/pod1:2:3');
});

test("parseCgroupsPath() puts systemd's slice:prefix:name where systemd would", () => {
  check('system.slice:docker:0123', '/system.slice/docker-0123.scope');
  check(':docker:0123', '/system.slice/docker-0123.scope');
  check('user-1000.slice::0123', '/user.slice/user-1000.slice/0123.scope');
  check('-.slice:docker:0123', '/docker-0123.scope');
  check('a-b-c.slice:x:inner.slice', '/a.slice/a-b.slice/a-b-c.slice/inner.slice');
});

test('parseCgroupsPath() refuses what is no slice', () => {
  for (const text of ['system:docker:0123', 'a--b.slice:docker:0123', '.slice:docker:0123']) {
    assert.throws(() => parseCgroupsPath(text), { code: 'cgroup.invalid' }, text);
  }
});
