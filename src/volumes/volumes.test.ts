/** Volumes in a folder of their own, with records in memory. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { memoryRecordStores } from '#base';
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
  const open = (): Volumes => new Volumes({ store, folder: `${folder}/volumes`, nowNs: () => 0n });
  return { folder, store, open, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
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
  await refused(request('data', { options: { type: 'tmpfs' } }), 'volume.unsupportedOption');
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
