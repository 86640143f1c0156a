import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { RuntimeConfig } from '#specs';
import { readCdiDevices } from './cdi-devices.ts';
import { applyEdits, editsFor } from './inject.ts';

const spec = (env: string, ...names: string[]): string =>
  JSON.stringify({
    cdiVersion: '0.6.0',
    kind: 'v.test/d',
    containerEdits: { env: [`ALL=${env}`] },
    devices: names.map((name) => ({ name, containerEdits: { env: [`ONE=${env}-${name}`] } })),
  });

test('later folders take precedence, two files of one folder make a device unusable, a broken file is told', async (t) => {
  const root = mkdtempSync('/tmp/skiff-cdi-');
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of ['etc', 'run']) mkdirSync(`${root}/${folder}`);
  writeFileSync(`${root}/etc/a.json`, spec('etc', 'x', 'y', 'z'));
  writeFileSync(`${root}/run/b.json`, spec('run', 'y', 'z'));
  writeFileSync(`${root}/run/c.yaml`, `# YAML\n${spec('other', 'z')}`);
  writeFileSync(`${root}/run/d.json`, 'no json');
  writeFileSync(`${root}/run/e.txt`, 'not looked at');
  writeFileSync(`${root}/run/f.yaml`, `a: &a [x]\nb: [${'*a,'.repeat(200)}]`);
  const found = await readCdiDevices([`${root}/none`, `${root}/etc`, `${root}/run`]);
  assert.deepEqual([...found.devices.keys()].sort(), ['v.test/d=x', 'v.test/d=y']);
  assert.equal(found.devices.get('v.test/d=y')?.path, `${root}/run/b.json`);
  assert.equal(found.problems.length, 3, found.problems.join('\n'));
  assert.match(found.problems.join('\n'), /d.json: .*\n.*f.yaml: .*|conflicting device "v.test\/d=z"/);
  const env = (...names: string[]) => editsFor(names, found).flatMap((edits) => edits.env);
  assert.deepEqual(env('v.test/d=x', 'v.test/d=x'), ['ALL=etc', 'ONE=etc-x', 'ONE=etc-x']);
  assert.throws(() => env('v.test/d=x', 'v.test/d=z', 'a/b=c'), /unresolvable CDI devices v.test\/d=z, a\/b=c$/);
});

test('edits of a config: what is there already gives way, parents come before children', () => {
  const before: RuntimeConfig = {
    ociVersion: '1.0.2',
    process: { cwd: '/', env: ['A=1', 'B=2'], user: { uid: 5, gid: 0, additionalGids: [1] } },
    mounts: [{ destination: '/dev' }, { destination: '/usr/lib/x/' }],
    linux: {
      devices: [{ type: 'c', path: '/dev/n', major: 9, minor: 9 }],
      resources: { devices: [{ allow: false }], memory: { limit: 1 } },
    },
  };
  const node = { hostPath: '/dev/null', permissions: 'rw' };
  const none = { env: [], deviceNodes: [], mounts: [], hooks: [], additionalGids: [], netDevices: [] };
  const after = applyEdits(before, [
    {
      ...none,
      env: ['B=3', 'C=4'],
      deviceNodes: [
        { ...node, path: '/dev/n' },
        { ...node, path: '/dev/q', permissions: '', type: 'p', hostPath: '/none', gid: 7 },
        { ...node, path: '/dev/s', type: 'b', major: 7, minor: 1, permissions: '' },
      ],
      mounts: [{ destination: '/usr/lib/x', source: '/y' }, { destination: '/usr' }],
      hooks: [{ name: 'createContainer', path: '/h' }],
      additionalGids: [0, 1, 2],
      netDevices: [{ hostName: 'e', name: 'f' }],
    },
  ]);
  assert.deepEqual(after.process?.env, ['A=1', 'B=3', 'C=4']);
  assert.deepEqual(after.process?.user, { uid: 5, gid: 0, additionalGids: [1, 2] });
  assert.deepEqual(
    after.mounts?.map(({ destination }) => destination),
    ['/dev', '/usr', '/usr/lib/x'],
  );
  assert.deepEqual(after.hooks, { createContainer: [{ path: '/h' }] });
  assert.deepEqual(after.linux?.devices, [
    { type: 'c', path: '/dev/n', major: 1, minor: 3, uid: 5 },
    { type: 'p', path: '/dev/q', major: 0, minor: 0, uid: 5, gid: 7 },
    { type: 'b', path: '/dev/s', major: 7, minor: 1, uid: 5 },
  ]);
  assert.deepEqual(after.linux?.resources, {
    devices: [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }],
    memory: { limit: 1 },
  });
  assert.deepEqual(after.linux?.netDevices, { e: { name: 'f' } });
  const refuses = (edits: object, message: RegExp): void => {
    assert.throws(() => applyEdits(before, [{ ...none, ...edits }]), message);
  };
  refuses({ hooks: [{ name: 'poststop', path: '/h' }] }, /hook "poststop" \(\/h\) is not supported/);
  refuses({ deviceNodes: [{ ...node, path: '/a', hostPath: '/dev/none' }] }, /failed to stat CDI host device/);
  refuses({ deviceNodes: [{ ...node, path: '/a', type: 'b' }] }, /host type mismatch \(b, c\)/);
  refuses({ deviceNodes: [{ ...node, path: '/a', hostPath: '/tmp' }] }, /"\/tmp" is not a device node/);
  assert.equal(applyEdits(before, []), before);
});
