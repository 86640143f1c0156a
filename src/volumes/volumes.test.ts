/** Volumes in a folder of their own, with records in memory and mounts that are only written down. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { createLog, memoryRecordStores } from '#base';
import { type LocalMount, mountOf, withAddress, withoutPassword } from './local-mount.ts';
import type { VolumeRequest } from './volume-request.ts';
import { isAnonymous, type VolumeRecord, Volumes } from './volumes.ts';

const request = (name: string, more: Partial<VolumeRequest> = {}): VolumeRequest => ({
  name,
  driver: '',
  options: {},
  labels: {},
  ...more,
});

function world() {
  const folder = mkdtempSync(`${tmpdir()}/skiff-volumes-`);
  const store = memoryRecordStores().of<VolumeRecord>('volume');
  /** What is mounted, innermost last. */
  const mounts: { readonly target: string; readonly mount: LocalMount | undefined }[] = [];
  const mounter = {
    mount: async (mount: LocalMount, target: string) => {
      if (mount.device === 'bad') throw new Error(`no such device, password=${mount.options.join()}`);
      mounts.push({ mount, target: realpathSync(target) });
    },
    unmount: async (target: string) => {
      const at = mounts.findLastIndex((each) => each.target === realpathSync(target));
      mounts.splice(at, 1);
    },
    mountsIn: (path: string) =>
      mounts.map(({ target }) => target).filter((target) => target === path || target.startsWith(`${path}/`)),
  };
  const log = createLog(
    () => 'error',
    () => {},
  );
  const open = (): Volumes => new Volumes({ store, folder: `${folder}/volumes`, mounter, log, nowNs: () => 0n });
  return { folder, store, open, mounts, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

test('names, drivers and options', async () => {
  using at = world();
  const volumes = at.open();
  const refused = (wish: VolumeRequest, code: string) => assert.rejects(volumes.create(wish), { code });
  for (const name of ['../up', '.hidden', '-flag', 'a/b', 'a b', 'ä1', 'a\n'])
    await refused(request(name), 'volume.badName');
  await refused(request('a'), 'volume.shortName');
  await refused(request('a'.repeat(256)), 'volume.longName');
  await refused(request('data', { driver: 'nfs' }), 'volume.noDriver');
  await refused(request('data', { options: { color: 'red' } }), 'volume.unknownOption');
  await refused(request('data', { options: { type: 'tmpfs' } }), 'volume.missingOption');
  await refused(request('data', { options: { device: 'tmpfs' } }), 'volume.missingOption');
  await refused(request('data', { options: { o: 'bind', device: '/x' } }), 'volume.missingOption');
  await refused(request('data', { options: { size: '1m' } }), 'volume.noQuota');
  await refused(request('data', { options: { size: 'big' } }), 'volume.badSize');
  assert.deepEqual(volumes.list(), []);
  for (const name of ['a1', 'A_b.c-d', 'a'.repeat(255)]) assert.equal((await volumes.create(request(name))).made, true);
});

test('a volume is made once, and its files go with it', async () => {
  using at = world();
  const volumes = at.open();
  const first = await volumes.create(request('data', { driver: 'local', labels: { a: 'b' } }));
  assert.equal(statSync(`${at.folder}/volumes/data`).mode & 0o777, 0o701);
  writeFileSync(`${volumes.pathOf('data')}/file`, 'x');
  const again = await volumes.create(request('data', { labels: { c: 'd' } }));
  assert.deepEqual(again, { record: first.record, made: false });
  await volumes.remove('data');
  assert.equal(existsSync(`${at.folder}/volumes/data`), false);
  await assert.rejects(volumes.remove('data'), { code: 'volume.noSuch' });
});

test('one without a name gets 64 digits and is anonymous', async () => {
  using at = world();
  const { record } = await at.open().create(request(''));
  assert.match(record.name, /^[0-9a-f]{64}$/);
  assert.equal(isAnonymous(record), true);
});

test('what a killed daemon has left is brought to its end, and folders nobody knows stay', async () => {
  using at = world();
  const volumes = at.open();
  const { record } = await volumes.create(request('going'));
  await volumes.create(request('coming'));
  await volumes.create(request('lost'));
  at.store.put('going', { ...record, removing: true });
  rmSync(`${at.folder}/volumes/coming`, { recursive: true });
  at.store.delete('lost');
  const next = at.open();
  await next.restore();
  assert.deepEqual(
    ['going', 'coming', 'lost'].map((name) => existsSync(next.pathOf(name))),
    [false, true, true],
  );
  assert.deepEqual(
    at.store.list().map(({ name }) => name),
    ['coming'],
  );
});

const tmpfs = request('ram', { options: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,nodev' } });

test('what its options say is mounted for the first user and unmounted after the last', async () => {
  using at = world();
  const volumes = at.open();
  await volumes.create(tmpfs);
  await volumes.use('ram', 'a');
  await volumes.use('ram', 'b');
  assert.deepEqual(
    at.mounts.map(({ mount }) => mount),
    [{ type: 'tmpfs', device: 'tmpfs', options: ['size=1m', 'nodev'] }],
  );
  await volumes.release('ram', 'a');
  assert.equal(at.mounts.length, 1);
  await assert.rejects(
    volumes.remove('ram', () => ['b']),
    { code: 'volume.inUse', message: 'remove ram: volume is in use - [b]' },
  );
  await volumes.release('ram', 'b');
  assert.equal(at.mounts.length, 0);
  // Of a daemon that was killed.
  await volumes.use('ram', 'a');
  const next = at.open();
  await next.restore();
  await next.unmountUnused();
  assert.equal(at.mounts.length, 0);
  await next.remove('ram');
  assert.deepEqual(readdirSync(`${at.folder}/volumes`), []);
});

test('a mount that fails is told without its password', async () => {
  using at = world();
  const volumes = at.open();
  await volumes.create(request('bad', { options: { type: 'ext4', device: 'bad', o: 'password=secret' } }));
  await assert.rejects(volumes.use('bad', 'a'), (error: Error) => {
    assert.match(error.message, /^error while mounting volume '.*\/bad\/_data': no such device, password=/);
    assert.ok(!error.message.includes('secret'));
    return true;
  });
});

test('nothing is removed while something is mounted in it', async () => {
  using at = world();
  const volumes = at.open();
  await volumes.create(request('data'));
  at.mounts.push({ target: `${realpathSync(at.folder)}/volumes/data/_data/there`, mount: undefined });
  await assert.rejects(volumes.remove('data'), { code: 'volume.stillMounted' });
  assert.equal(volumes.find('data').removing, false);
});

test('the first content comes whole or not at all', async () => {
  using at = world();
  const volumes = at.open();
  await volumes.create(request('data'));
  const path = volumes.pathOf('data');
  const write = (folder: string) => async (): Promise<void> => writeFileSync(`${folder}/file`, 'x');
  await assert.rejects(
    volumes.fill('data', async (folder) => {
      await write(folder)();
      throw new Error('full disk');
    }),
    /full disk/,
  );
  assert.deepEqual(readdirSync(`${at.folder}/volumes/data`), ['_data']);
  assert.deepEqual(readdirSync(path), []);
  await volumes.fill('data', (folder) => write(folder)());
  assert.deepEqual(readdirSync(path), ['file']);
  await volumes.fill('data', () => assert.fail('it is not empty'));
  // A container that runs with it would keep the folder that was there before.
  await volumes.create(request('busy'));
  await volumes.use('busy', 'a');
  const { ino } = statSync(volumes.pathOf('busy'));
  await volumes.fill('busy', (folder) => write(folder)());
  assert.equal(statSync(volumes.pathOf('busy')).ino, ino);
  assert.deepEqual(readdirSync(volumes.pathOf('busy')), ['file']);
  // So would a disk the operator has mounted there.
  await volumes.create(request('disk'));
  at.mounts.push({ target: realpathSync(volumes.pathOf('disk')), mount: undefined });
  const disk = statSync(volumes.pathOf('disk')).ino;
  await volumes.fill('disk', (folder) => write(folder)());
  assert.equal(statSync(volumes.pathOf('disk')).ino, disk);
  assert.equal(at.mounts.length, 1);
  // Killed in the middle.
  mkdirSync(`${at.folder}/volumes/data/_new`);
  await at.open().restore();
  assert.deepEqual(readdirSync(`${at.folder}/volumes/data`), ['_data']);
});

test('addresses of file servers', async () => {
  const check = async (type: string, device: string, o: string, expected: string): Promise<void> => {
    const mount = mountOf({ options: { type, device, o } })!;
    assert.equal((await withAddress(mount, async () => '10.0.0.7')).options.join(','), expected);
  };
  await check('nfs', ':/x', 'addr=host,rw', 'addr=10.0.0.7,rw');
  await check('nfs', ':/x', 'addr=10.1.1.1,rw', 'addr=10.1.1.1,rw');
  await check('nfs', ':/x', 'addr=fd00::1', 'addr=fd00::1');
  await check('cifs', '//host/share', 'user=a', 'user=a,addr=10.0.0.7');
  await check('cifs', '//10.0.0.9/share', 'user=a', 'user=a');
  await check('ext4', '/dev/x', 'addr=host', 'addr=host');
  const mount = mountOf({ options: { type: 'nfs', device: ':/', o: 'addr=host' } })!;
  const refuse = async (): Promise<string> => Promise.reject(new Error('no such host'));
  await assert.rejects(withAddress(mount, refuse), {
    message: 'error resolving passed in network volume address: no such host',
  });
  assert.equal(withoutPassword('x pw y', { ...mount, options: ['password=pw'] }), 'x ******** y');
  assert.equal(mountOf({ options: { size: '0' } }), undefined);
  assert.equal(mountOf({ options: null }), undefined);
});

test('a copy is there when it is whole, with the labels of the other', async () => {
  using at = world();
  const volumes = at.open();
  await volumes.create(request('', { labels: { a: 'b' } }));
  const [{ name: from } = { name: '' }] = volumes.list();
  const copy = (name: string, write: (folder: string) => Promise<void>) =>
    volumes.copy(from, { name, labels: { c: 'd' } }, write);
  const write = async (folder: string): Promise<void> => writeFileSync(`${folder}/file`, 'x');
  const record = await copy('copied', async (folder) => {
    assert.throws(() => volumes.find('copied'), { code: 'volume.noSuch' });
    // Killed now, nothing of it is left.
    await write(folder);
    assert.equal(at.store.get('copied')?.removing, true);
  });
  assert.deepEqual(record.labels, { a: 'b', c: 'd' });
  assert.deepEqual(readdirSync(volumes.pathOf('copied')), ['file']);
  await assert.rejects(copy('copied', write), { code: 'volume.exists' });
  await assert.rejects(copy('../up', write), { code: 'volume.badName' });
  await assert.rejects(
    copy('failed', () => Promise.reject(new Error('full disk'))),
    /full disk/,
  );
  await volumes.create(tmpfs);
  await assert.rejects(volumes.copy('ram', { name: 'no', labels: {} }, write), { code: 'volume.notOwn' });
  assert.deepEqual(readdirSync(`${at.folder}/volumes`).sort(), [from, 'copied', 'ram'].sort());
});

test('a volume gets another name while no container has it, and a killed daemon goes by the folder', async () => {
  using at = world();
  const volumes = at.open();
  const { record } = await volumes.create(request('old', { labels: { a: 'b' } }));
  await volumes.create(request('taken'));
  writeFileSync(`${volumes.pathOf('old')}/file`, 'x');
  const rename = (to: string, holders: readonly string[] = []) => volumes.rename('old', to, () => holders);
  await assert.rejects(rename('new', ['c1']), { message: 'rename old: volume is in use - [c1]' });
  await assert.rejects(rename('taken'), { code: 'volume.exists' });
  await assert.rejects(rename('old'), { code: 'volume.exists' });
  assert.deepEqual(await rename('new'), { ...record, name: 'new' });
  assert.deepEqual(readdirSync(volumes.pathOf('new')), ['file']);
  assert.throws(() => volumes.find('old'), { code: 'volume.noSuch' });
  // Killed before the folder had its new name, and after.
  at.store.put('new', { ...record, name: 'new', renaming: 'newer' });
  await at.open().restore();
  assert.deepEqual(at.store.get('new'), { ...record, name: 'new' });
  at.store.put('new', { ...record, name: 'new', renaming: 'newer' });
  renameSync(`${at.folder}/volumes/new`, `${at.folder}/volumes/newer`);
  const next = at.open();
  await next.restore();
  assert.deepEqual(next.find('newer'), { ...record, name: 'newer' });
  assert.deepEqual(readdirSync(next.pathOf('newer')), ['file']);
  assert.deepEqual(
    next.list().map(({ name }) => name),
    ['taken', 'newer'],
  );
});
