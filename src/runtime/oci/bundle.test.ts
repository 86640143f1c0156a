import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuntimeConfig } from '#specs';
import { checkConfig, parseResources } from './bundle.ts';
import { configShape } from './config-shape.ts';
import { misfit, withoutNulls } from './shape.ts';

const good: RuntimeConfig = { ociVersion: '1.2.0', root: { path: 'rootfs' }, process: { cwd: '/', args: ['sh'] } };

test('versions 1.0 to 1.3 of the specification are accepted, with their suffixes', () => {
  for (const ociVersion of ['1.0.0', '1.0.2-dev', '1.1.0-rc.1', '1.3.0', '1.2.1+build']) {
    checkConfig({ ...good, ociVersion });
  }
  for (const ociVersion of ['2.0.0', '0.9.0', '1.4.0', '1.0', 'invalid', '']) {
    assert.throws(() => checkConfig({ ...good, ociVersion }), /ociVersion/, ociVersion);
  }
});

test('what a config lacks is named', () => {
  const { root: _, ...rootless } = good;
  assert.throws(() => checkConfig(rootless), /root.path is missing/);
  const { process: __, ...idle } = good;
  assert.throws(() => checkConfig(idle), /process is missing/);
  assert.throws(() => checkConfig({ ...good, process: { cwd: '/', args: [] } }), /process.args is \[\]/);
  assert.throws(() => checkConfig({ ...good, hostname: 'x' }), /hostname is "x": it needs a uts namespace/);
});

test('a value of the wrong type is found by its path', () => {
  const check = (config: unknown, path: string | undefined): void =>
    assert.equal(misfit(config, configShape, '')?.path, path, JSON.stringify(config));
  check(good, undefined);
  check({ ...good, unknown: 1, linux: { unknown: {} } }, undefined);
  check({ ...good, mounts: null, hooks: { prestart: null } }, undefined);
  check({ process: { args: 'sh' } }, 'process.args');
  check({ process: { args: ['a\0b'] } }, 'process.args[0]');
  check({ process: { args: [null] } }, 'process.args[0]');
  check({ process: { user: { uid: -1 } } }, 'process.user.uid');
  check({ process: { user: { uid: 1.5 } } }, 'process.user.uid');
  check({ mounts: [{ options: [] }, { options: [1] }] }, 'mounts[1].options[0]');
  check({ linux: { sysctl: { 'net.x': 1 } } }, 'linux.sysctl.net.x');
  check({ linux: [] }, 'linux');
  check([], '');
});

test('null is the same as absent', () => {
  assert.deepEqual(withoutNulls({ a: null, b: [{ c: null, d: 0 }] }), { b: [{ d: 0 }] });
});

test('resources keep numbers beyond 2^53 and refuse what is no number', () => {
  const { memory } = parseResources('{"memory":{"limit":9223372036854771712,"swap":-1}}', 'r');
  assert.deepEqual(memory, { limit: 9223372036854771712n, swap: -1 });
  assert.throws(() => parseResources('{"memory":{"limit":"1g"}}', 'r'), /memory.limit is "1g"/);
  assert.throws(() => parseResources('{', 'r'), /not JSON/);
});
