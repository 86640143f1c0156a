import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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

test('what is filled at the moment is waited for, and recorded when it is whole', () =>
  inFolder(async (mounts, again) => {
    const filling = Promise.withResolvers<void>();
    let fills = 0;
    const fill = async (folder: string): Promise<void> => {
      fills += 1;
      await filling.promise;
      writeFileSync(`${folder}/file`, 'whole');
    };
    const one = mounts.takeAll([{ ...wish('a', 'shared'), fill }]);
    const two = mounts.takeAll([{ ...wish('a', 'shared'), fill }]);
    await new Promise(setImmediate);
    assert.deepEqual(mounts.list(), [], 'a daemon killed now has none');
    filling.resolve();
    const [[first], [second]] = [await one, await two];
    assert.equal(first!.folder, second!.folder);
    assert.equal(fills, 1);
    assert.ok(existsSync(`${second!.folder}/file`));
    for (const each of [await one, await two]) await each[Symbol.asyncDispose]();
    assert.equal(again().list().length, 1);
  }));

test('nobody has a folder while it is read, and it is read when nobody has it', () =>
  inFolder(async (mounts) => {
    const { signal } = new AbortController();
    const told: string[] = [];
    const taken = await mounts.takeAll([wish('a', 'shared')]);
    const done = Promise.withResolvers<void>();
    const reading = mounts.read('a', signal, async (folder) => {
      told.push('read');
      await done.promise;
      return folder;
    });
    await new Promise(setImmediate);
    assert.equal(told.length, 0);
    const stop = new AbortController();
    const inVain = mounts.read('a', stop.signal, async () => 'read');
    stop.abort();
    await assert.rejects(inVain, { code: 'build.cancelled' });
    await taken[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const next = mounts.takeAll([wish('a', 'shared')]).then((mount) => {
      told.push('taken');
      return mount;
    });
    const [{ id } = { id: '' }] = mounts.list();
    await mounts.remove(id);
    assert.ok(existsSync(taken[0]!.folder), 'nor is it pruned');
    assert.deepEqual(told, ['read']);
    done.resolve();
    assert.equal(await reading, taken[0]!.folder);
    await (await next)[Symbol.asyncDispose]();
    assert.deepEqual(told, ['read', 'taken']);
    assert.equal(await mounts.read('none', signal, async () => 'read'), undefined);
  }));

test('when the disk takes no record, a new folder goes again, and one that is let go of is let go of', () =>
  inFolder(async (_, __, dataRoot) => {
    const stores = memoryRecordStores();
    let isFull = true;
    const full: typeof stores = {
      ...stores,
      of: (kind) => {
        const store = stores.of<never>(kind);
        const put = (id: string, value: never): void => {
          if (isFull) throw new Error('no space');
          store.put(id, value);
        };
        return {
          ...store,
          list: () => store.list(),
          get: (id) => store.get(id),
          delete: (id) => store.delete(id),
          put,
        };
      },
    };
    const mounts = new CacheMounts(`${dataRoot}/full`, full);
    await assert.rejects(mounts.takeAll([wish('a', 'shared')]), /no space/);
    assert.deepEqual([mounts.list(), readdirSync(`${dataRoot}/full/build/mounts`)], [[], []]);
    isFull = false;
    const taken = await mounts.takeAll([wish('a', 'shared')]);
    isFull = true;
    await assert.rejects(async () => taken[Symbol.asyncDispose](), /no space/);
    const [record] = mounts.list();
    assert.equal(mounts.isInUse(record!.id), false);
    assert.equal(await mounts.read('a', new AbortController().signal, async () => 'read'), 'read');
  }));
