import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveMounts, type ResolveInput } from './mount-point.ts';
import type { BindSetting, MountPoint, MountSetting, VolumeSetting } from './mount-setting.ts';

const bind = (source: string, destination: string, more: Partial<BindSetting> = {}): BindSetting => ({
  ...{ type: 'bind', source, destination, readonly: false, propagation: '', createSource: true, recursion: 'enabled' },
  ...more,
});

const volume = (name: string, destination: string, more: Partial<VolumeSetting> = {}): VolumeSetting => ({
  ...{ type: 'volume', name, destination, readonly: false, noCopy: false, driver: '', driverOptions: null },
  ...{ labels: null, subpath: '' },
  ...more,
});

function resolve(settings: readonly MountSetting[], more: Partial<ResolveInput> = {}): MountPoint[] {
  let count = 0;
  return resolveMounts({
    host: { tmpfs: {} },
    settings,
    volumes: [],
    dataRoot: '/data',
    mountsOf: () => undefined,
    imageId: (reference) => `id of ${reference}`,
    newVolumeName: () => `anon${count++}`,
    ...more,
  });
}

test('resolveMounts() says what a container has', () => {
  const check = (points: readonly MountPoint[], ...expected: readonly string[]): void =>
    assert.deepEqual(
      points.map(({ setting, name, mode, readonly, copies }) =>
        [setting.destination, setting.type, name, mode, readonly ? 'ro' : '', copies ? 'copies' : ''].join(' ').trim(),
      ),
      expected,
    );
  check(resolve([volume('data', '/a'), volume('', '/b')]), '/a volume data z  copies', '/b volume anon0 z  copies');
  check(resolve([volume('data', '/a', { text: 'data:/a:ro', readonly: true })]), '/a volume data ro ro copies');
  check(resolve([volume('data', '/a', { noCopy: true })]), '/a volume data z');
  check(resolve([volume('data', '/a', { subpath: 'x' })]), '/a volume data z');
  check(
    resolve([], { volumes: ['/v', '/w/', '/t'], host: { tmpfs: { '/t': '' } } }),
    '/v volume anon0   copies',
    '/w volume anon1   copies',
  );
  check(resolve([volume('data', '/v')], { volumes: ['/v/'] }), '/v volume data z  copies');
  const image = { type: 'image', image: 'busybox', subpath: '', destination: '/i', readonly: false } as const;
  check(resolve([image]), '/i image id of busybox  ro');
});

test('resolveMounts() takes the mounts of others, under its own', () => {
  const theirs = resolve([volume('data', '/a'), bind('/x', '/b', { readonly: true }), volume('more', '/c')]);
  const from = (text: string, settings: readonly MountSetting[] = []): string[] => {
    const more = { host: { tmpfs: {}, volumesFrom: [text] }, mountsOf: () => theirs };
    return resolve(settings, more).map(({ setting, name, readonly, mode, copies }) => {
      assert.ok(setting.destination === '/mine' || setting.destination === '/c' || (mode === '' && !copies));
      return `${setting.destination} ${name} ${readonly}`;
    });
  };
  assert.deepEqual(from('other'), ['/a data false', '/b  true', '/c more false']);
  assert.deepEqual(from('other:ro'), ['/a data true', '/b  true', '/c more true']);
  assert.deepEqual(from('other:rw', [volume('own', '/c')]), ['/a data false', '/b  true', '/c own false']);
  assert.throws(() => from(':ro'), { message: 'malformed volumes-from specification: :ro' });
  assert.throws(() => from('other:rw,x'), { message: 'invalid mode: rw,x' });
  assert.throws(() => resolve([], { host: { tmpfs: {}, volumesFrom: ['nobody'] } }), {
    code: 'container.noVolumesFrom',
    message: 'No such container: nobody',
  });
});

test('resolveMounts() refuses two at one place, and places that are none', () => {
  const twice = { message: 'Duplicate mount point: /a' };
  assert.throws(() => resolve([volume('x', '/a'), bind('/x', '/a')]), twice);
  assert.throws(() => resolve([volume('x', '/a')], { host: { tmpfs: { '/a/': '' } } }), twice);
  for (const path of ['relative', '/'])
    assert.throws(() => resolve([], { volumes: [path] }), /mount path must be absolute/);
});

test("a bind of what holds the daemon's folder gets the host's unmounts", () => {
  const check = (source: string, propagation: string, expected: string): void =>
    assert.equal(resolve([bind(source, '/a', { propagation })])[0]?.propagation, expected, source);
  check('/other', '', 'rprivate');
  check('/database', '', 'rprivate');
  check('/other', 'shared', 'shared');
  for (const source of ['/', '/data', '/data/volumes/x']) check(source, '', 'rslave');
  check('/', 'rshared', 'rshared');
  assert.throws(() => resolve([bind('/data', '/a', { propagation: 'private' })]), /must use either propagation mode/);
});
