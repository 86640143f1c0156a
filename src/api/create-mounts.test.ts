/** What `-v` and `--mount` say. The refusals were compared with dockerd's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MountSetting } from '#engine';
import type { MountBody } from '#specs';
import { parseBind, parseMount } from './create-mounts.ts';

const volume = { name: '', noCopy: false, driver: '', driverOptions: null, labels: null, subpath: '' };

test('parseBind() takes paths and names, each word of a mode once', () => {
  const check = (text: string, expected: Partial<MountSetting>): void => {
    const { text: kept, ...found } = parseBind(text, '');
    assert.deepEqual([kept, found], [text, { readonly: false, ...expected }], text);
  };
  const bind = { type: 'bind', propagation: '', createSource: true, recursion: 'enabled' } as const;
  check('/a:/b', { ...bind, source: '/a', destination: '/b' });
  check('/a/../c/:/b/./d/:ro', { ...bind, source: '/c', destination: '/b/d', readonly: true });
  check('/a:/b:rw,z,rshared,cached', { ...bind, source: '/a', destination: '/b', propagation: 'rshared' });
  check('data:/b', { type: 'volume', ...volume, name: 'data', destination: '/b' });
  check('data:/b:ro,nocopy,Z', {
    type: 'volume',
    ...volume,
    ...{ name: 'data', destination: '/b', readonly: true, noCopy: true },
  });
  check('/b/../c', { type: 'volume', ...volume, destination: '/c' });
  assert.equal((parseBind('data:/b', 'local') as { driver: string }).driver, 'local');
});

test('parseBind() refuses in the words of dockerd', () => {
  const check = (text: string, message: string): void => assert.throws(() => parseBind(text), { message }, text);
  const spec = (text: string): string => `invalid volume specification: '${text}'`;
  for (const text of ['', ':/b', 'a:', 'a:ro', '/a:/b:ro:x']) check(text, spec(text));
  for (const mode of ['bogus', 'ro,rw', 'z,Z', 'ro,ro', 'shared,slave']) check(`a:/b:${mode}`, `invalid mode: ${mode}`);
  const wrong = (text: string, type: string, why: string): void =>
    check(text, `${spec(text)}: invalid mount config for type "${type}": ${why}`);
  wrong('a:b', 'volume', "invalid mount path: 'b' mount path must be absolute");
  wrong('a', 'volume', "invalid mount path: 'a' mount path must be absolute");
  wrong('/', 'volume', "invalid specification: destination can't be '/'");
  wrong('a:/', 'volume', "invalid specification: destination can't be '/'");
  wrong('/a:/b/..', 'bind', "invalid specification: destination can't be '/'");
  wrong('a:/b:shared', 'volume', 'field BindOptions must not be specified');
  wrong('/a:/b:nocopy', 'bind', 'field VolumeOptions must not be specified');
});

test('parseMount() takes each type with its own options', () => {
  const check = (body: MountBody, expected: Partial<MountSetting>): void =>
    assert.deepEqual(parseMount(body), { readonly: false, ...expected }, JSON.stringify(body));
  const bind = { type: 'bind', source: '/a', destination: '/b', propagation: '', createSource: false } as const;
  const a = { Type: 'bind', Source: '/a', Target: '/b' };
  check(a, { ...bind, recursion: 'enabled' });
  check(
    { ...a, BindOptions: { NonRecursive: true, CreateMountpoint: true } },
    {
      ...bind,
      ...{ recursion: 'disabled', createSource: true },
    },
  );
  check(
    { ...a, ReadOnly: true, BindOptions: { ReadOnlyForceRecursive: true } },
    {
      ...bind,
      ...{ recursion: 'readonly', readonly: true },
    },
  );
  check({ ...a, BindOptions: { ReadOnlyNonRecursive: true } }, { ...bind, recursion: 'writable' });
  check({ Type: 'volume', Target: '/b' }, { type: 'volume', ...volume, destination: '/b' });
  const DriverConfig = { Name: 'local', Options: { type: 'tmpfs' } };
  const VolumeOptions = { NoCopy: true, Labels: { a: 'b' }, DriverConfig, Subpath: 'x/./y/' };
  check(
    { Type: 'volume', Source: 'v', Target: '/b', VolumeOptions },
    {
      ...{ type: 'volume', destination: '/b', name: 'v', noCopy: true, driver: 'local', labels: { a: 'b' } },
      ...{ driverOptions: { type: 'tmpfs' }, subpath: 'x/y' },
    },
  );
  check(
    { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 5, Mode: 0o700, Options: [['exec']] } },
    {
      ...{ type: 'tmpfs', destination: '/t', sizeBytes: 5, permissions: 0o700, options: [['exec']] },
    },
  );
  check(
    { Type: 'image', Source: 'img', Target: '/i' },
    { type: 'image', image: 'img', subpath: '', destination: '/i' },
  );
});

test('parseMount() refuses in the words of dockerd', () => {
  const check = (body: MountBody, why: string): void => {
    const message = `invalid mount config for type "${body.Type ?? ''}": ${why}`;
    assert.throws(() => parseMount(body), { message }, JSON.stringify(body));
  };
  check({ Type: 'bind', Source: '/a' }, 'field Target must not be empty');
  check({ Type: 'bind', Target: '/b' }, 'field Source must not be empty');
  check({ Type: 'bind', Source: 'a', Target: '/b' }, "invalid mount path: 'a' mount path must be absolute");
  check({ Type: 'bind', Source: '/a', Target: '/b', VolumeOptions: {} }, 'field VolumeOptions must not be specified');
  check(
    { Type: 'bind', Source: '/a', Target: '/b', BindOptions: { Propagation: 'up' } },
    'invalid propagation mode: up',
  );
  check({ Type: 'volume', Target: '/' }, "invalid specification: destination can't be '/'");
  check({ Type: 'volume', Target: '/b', BindOptions: {} }, 'field BindOptions must not be specified');
  check({ Type: 'volume', Target: '/b', ReadOnly: true }, 'must not set ReadOnly mode when using anonymous volumes');
  const sub = (Subpath: string, Source = 'v') => ({ Type: 'volume', Source, Target: '/b', VolumeOptions: { Subpath } });
  check(sub('x', ''), 'must not set Subpath when using anonymous volumes');
  for (const path of ['..', '../x', '/x', 'a/../../x'])
    check(sub(path), 'subpath must be a relative path within the volume');
  check({ Type: 'tmpfs', Source: 'x', Target: '/b' }, 'field Source must not be specified');
  check({ Type: 'image', Target: '/b' }, 'field Source must not be empty');
  check({ Type: 'bogus', Target: '/b' }, 'mount type unknown');
  check({ Target: '/b' }, 'mount type unknown');
});
