import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test, type TestContext } from 'node:test';
import { type Digest, memoryRecordStores, type RecordStores } from '#base';
import { type LayerKey, layerKey, LayerStore } from './layer-store.ts';

const A = `sha256:${'a'.repeat(64)}` as Digest;
const B = `sha256:${'b'.repeat(64)}` as Digest;
const CHAIN = `sha256:${'c'.repeat(64)}` as Digest;

interface World {
  readonly dataRoot: string;
  readonly records: RecordStores;
  readonly layers: LayerStore;
  /** What is in the store's folder. */
  readonly names: () => string[];
}

function world(context: TestContext): World {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-layers-`);
  context.after(() => rmSync(dataRoot, { recursive: true, force: true }));
  const records = memoryRecordStores();
  const names = (): string[] => readdirSync(`${dataRoot}/layers`).toSorted();
  return { dataRoot, records, layers: new LayerStore({ dataRoot, records }), names };
}

test('a layer has its name and its record only when it is complete', async (context) => {
  const { layers, dataRoot } = world(context);
  await using pending = layers.begin();
  writeFileSync(`${pending.folder}/file`, 'x');
  assert.equal(statSync(pending.folder).mode & 0o777, 0o755);
  assert.equal(layers.find(A, A), undefined);
  const { createdAt: _, ...record } = await pending.commit({ diffId: A, sizeBytes: 1, givesRoot: true });
  const key = layerKey(A);
  assert.deepEqual(record, { version: 1, key, diffId: A, sizeBytes: 1, givesRoot: true, hidesBelow: false });
  assert.equal(layers.find(A, CHAIN)?.key, key);
  assert.equal(readFileSync(`${layers.folder(key)}/file`, 'utf8'), 'x');
  assert.equal(statSync(`${dataRoot}/layers`).mode & 0o777, 0o700);
});

test('a layer that was completed for a stack is found only there', async (context) => {
  const { layers } = world(context);
  const record = await layers.begin().commit({ diffId: A, chainId: CHAIN, sizeBytes: 0 });
  assert.equal(record.key, `chain-${'c'.repeat(64)}`);
  assert.equal(layers.find(A, CHAIN)?.key, record.key);
  assert.equal(layers.find(A, B), undefined);
});

test('what was not committed goes, and so does what was there before', async (context) => {
  const { layers, names } = world(context);
  for (const content of ['first', 'second']) {
    await using pending = layers.begin();
    writeFileSync(`${pending.folder}/file`, content);
    await pending.commit({ diffId: A, sizeBytes: 1 });
  }
  {
    await using one = layers.begin();
    await using two = layers.begin();
    const both = [one, two].map((pending) => pending.commit({ diffId: B, sizeBytes: 1 }));
    assert.deepEqual(
      (await Promise.all(both)).map(({ key }) => key),
      [layerKey(B), layerKey(B)],
    );
  }
  {
    await using pending = layers.begin();
    mkdirSync(`${pending.folder}/deep/er`, { recursive: true });
  }
  assert.deepEqual(names(), ['a'.repeat(64), 'b'.repeat(64)]);
  assert.equal(readFileSync(`${layers.folder(layerKey(A))}/file`, 'utf8'), 'first');
});

test('collect() removes what nobody wants, remove() what is there', async (context) => {
  const { layers, names } = world(context);
  for (const diffId of [A, B]) await layers.begin().commit({ diffId, sizeBytes: 0 });
  const removed = await layers.collect(new Set([layerKey(A)]));
  assert.deepEqual(
    removed.map(({ diffId }) => diffId),
    [B],
  );
  assert.deepEqual(
    layers.list().map(({ diffId }) => diffId),
    [A],
  );
  assert.deepEqual(names(), ['a'.repeat(64)]);
  await layers.remove(layerKey(A));
  await layers.remove(layerKey(A));
  assert.deepEqual([layers.list(), names()], [[], []]);
});

test('check() names what a crash left, repair() removes it', async (context) => {
  const { layers, names, dataRoot, records } = world(context);
  for (const diffId of [A, B]) await layers.begin().commit({ diffId, sizeBytes: 0 });
  assert.deepEqual(layers.check(), []);
  rmSync(`${dataRoot}/layers/${'b'.repeat(64)}`, { recursive: true });
  mkdirSync(`${dataRoot}/layers/${'d'.repeat(64)}/diff`, { recursive: true });
  const left = layers.begin();
  writeFileSync(`${left.folder}/file`, 'x');
  const again = new LayerStore({ dataRoot, records });
  const expected = { 'folder-without-record': 'd', 'record-without-folder': 'b', leftover: 't' };
  for (const find of [() => again.check(), () => again.repair()]) {
    assert.deepEqual(Object.fromEntries(find().map(({ kind, name }) => [kind, name[0]])), expected);
  }
  assert.deepEqual(again.check(), []);
  assert.deepEqual(names(), ['a'.repeat(64)]);
  assert.deepEqual(
    again.list().map(({ diffId }) => diffId),
    [A],
  );
});

test('short names lead to the layers, also where two begin alike', async (context) => {
  const { layers, dataRoot } = world(context);
  const like = (digit: string): Digest => `sha256:${'e'.repeat(6)}${digit.repeat(58)}` as Digest;
  const keys: LayerKey[] = [];
  for (const diffId of [A, like('1'), like('2')]) {
    keys.push((await layers.begin().commit({ diffId, sizeBytes: 0 })).key);
  }
  for (let time = 0; time < 2; time += 1) {
    const short = keys.map((key) => layers.shortFolder(key));
    assert.deepEqual(
      short.map((path) => path.slice(`${dataRoot}/l/`.length)),
      ['aaaaaa', 'eeeeee', 'eeeeee2'],
    );
    assert.deepEqual(
      short.map((path) => readlinkSync(path)),
      keys.map((key) => `../layers/${key}/diff`),
    );
    assert.ok(short.every((path) => existsSync(path)));
  }
  await layers.remove(keys[1]!);
  layers.repair();
  assert.deepEqual(readdirSync(`${dataRoot}/l`).toSorted(), ['aaaaaa', 'eeeeee2']);
});
