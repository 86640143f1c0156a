import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test, type TestContext } from 'node:test';
import type { Digest } from '#base';
import { LayerStore } from './layer-store.ts';

const A = `sha256:${'a'.repeat(64)}` as Digest;
const B = `sha256:${'b'.repeat(64)}` as Digest;

function store(context: TestContext): { layers: LayerStore; folder: string } {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-layers-`);
  context.after(() => rmSync(dataRoot, { recursive: true, force: true }));
  return { layers: new LayerStore(dataRoot), folder: `${dataRoot}/layers` };
}

test('a layer has its name only when it is complete', async (context) => {
  const { layers, folder } = store(context);
  await using pending = layers.begin();
  writeFileSync(`${pending.folder}/file`, 'x');
  assert.equal(statSync(pending.folder).mode & 0o777, 0o755);
  assert.equal(layers.has(A), false);
  pending.commit(A, 1);
  assert.equal(layers.has(A), true);
  assert.equal(readFileSync(`${layers.folder(A)}/file`, 'utf8'), 'x');
  assert.equal(readFileSync(`${folder}/${'a'.repeat(64)}/size`, 'utf8'), '1\n');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test('what was not committed goes, and so does what was there before', async (context) => {
  const { layers, folder } = store(context);
  for (const content of ['first', 'second']) {
    await using pending = layers.begin();
    writeFileSync(`${pending.folder}/file`, content);
    pending.commit(A, 1);
  }
  {
    await using pending = layers.begin();
    mkdirSync(`${pending.folder}/deep/er`, { recursive: true });
  }
  assert.deepEqual(readdirSync(folder), ['a'.repeat(64)]);
  assert.equal(readFileSync(`${layers.folder(A)}/file`, 'utf8'), 'first');
});

test('a removed layer is gone, a missing one is no error', async (context) => {
  const { layers, folder } = store(context);
  layers.begin().commit(A, 0);
  await layers.remove(A);
  await layers.remove(A);
  assert.deepEqual(readdirSync(folder), []);
});

test('cleanUp() leaves the wanted layers and nothing else', (context) => {
  const { layers, folder } = store(context);
  layers.begin().commit(A, 0);
  layers.begin().commit(B, 0);
  const left = layers.begin();
  layers.cleanUp(new Set([A]));
  assert.deepEqual(readdirSync(folder), ['a'.repeat(64)]);
  assert.equal(existsSync(left.folder), false);
});
