import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { memoryRecordStores } from '#base';
import { CacheMounts, type CacheMountWish } from './cache-mounts.ts';

const uid = process.getuid!();
const gid = process.getgid!();

const wish = (
  name: string,
  sharing: CacheMountWish['sharing'],
  signal = new AbortController().signal,
): CacheMountWish => ({
  name,
  sharing,
  mode: 0o700,
  uid,
  gid,
  fill: undefined,
  signal,
});

async function inFolder(use: (mounts: CacheMounts, again: () => CacheMounts, dataRoot: string) => Promise<void>) {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-cache-mounts-`);
  const stores = memoryRecordStores();
  try {
    const again = () => new CacheMounts(dataRoot, stores);
    await use(again(), again, dataRoot);
  } finally {
    rmSync(dataRoot, { recursive: true });
  }
}

test('a shared folder is the same for all, a private one nobody else has at the same time', () =>
  inFolder(async (mounts, again) => {
    const one = await mounts.takeAll([wish('a', 'shared'), wish('a', 'shared')]);
    const two = await mounts.takeAll([wish('a', 'shared'), wish('a', 'private'), wish('b', 'shared')]);
    assert.equal(one[0]!.folder, one[1]!.folder);
    assert.equal(one[0]!.folder, two[0]!.folder);
    assert.equal(new Set(two.map(({ folder }) => folder)).size, 3);
    writeFileSync(`${one[0]!.folder}/file`, 'kept');
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    assert.deepEqual(
      again()
        .list()
        .map(({ name, sizeBytes }) => `${name} ${sizeBytes}`),
      ['a 4', 'a 0', 'b 0'],
    );
  }));

test('locked folders are waited for, in any order and without a deadlock; who is cancelled waits no more', () =>
  inFolder(async (mounts) => {
    const stop = new AbortController();
    const first = await mounts.takeAll([wish('b', 'locked'), wish('a', 'locked'), wish('a', 'locked')]);
    let hasSecond = false;
    const second = mounts.takeAll([wish('a', 'locked'), wish('b', 'locked')]).then((taken) => {
      hasSecond = true;
      return taken;
    });
    const third = mounts.takeAll([wish('b', 'locked', stop.signal)]);
    stop.abort();
    await assert.rejects(third, { code: 'build.cancelled' });
    await new Promise(setImmediate);
    assert.equal(hasSecond, false);
    await first[Symbol.asyncDispose]();
    await (await second)[Symbol.asyncDispose]();
    await (await mounts.takeAll([wish('b', 'locked')]))[Symbol.asyncDispose]();
  }));

test('one in use is not removed; one that could not be filled, or has no record, goes', () =>
  inFolder(async (mounts, again, dataRoot) => {
    const taken = await mounts.takeAll([wish('a', 'shared')]);
    const [{ id } = { id: '' }] = mounts.list();
    await mounts.remove(id);
    assert.ok(existsSync(taken[0]!.folder));
    await taken[Symbol.asyncDispose]();
    await mounts.remove(id);
    assert.ok(!existsSync(taken[0]!.folder));
    const fill = () => Promise.reject(new Error('cannot be filled'));
    await assert.rejects(mounts.takeAll([{ ...wish('c', 'shared'), fill }]), /cannot be filled/);
    assert.deepEqual(mounts.list(), []);
    mkdirSync(`${dataRoot}/build/mounts/left/data`, { recursive: true });
    again();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(!existsSync(`${dataRoot}/build/mounts/left`));
  }));
