import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { digestOf, memoryRecordStores } from '#base';
import { DiskContentStore } from './disk-content-store.ts';
import { checkContent } from './fsck.ts';

function broken(): { store: DiskContentStore; folder: string } & AsyncDisposable {
  const folder = mkdtempSync(`${tmpdir()}/skiff-fsck-`);
  const store = new DiskContentStore({ folder, records: memoryRecordStores() });
  using lease = store.lease('test');
  const [short, changed, missing] = ['short', 'changed', 'missing'].map(
    (text) => store.put(Buffer.from(text), { lease }).digest,
  );
  store.put(Buffer.from('whole'), { lease });
  store.put(Buffer.from('parent'), { lease, references: [digestOf('never there')] });
  truncateSync(store.path(short!), 1);
  writeFileSync(store.path(changed!), 'CHANGED');
  rmSync(store.path(missing!));
  writeFileSync(`${folder}/blobs/sha512/stray`, '');
  writeFileSync(`${folder}/blobs/sha256/${'0'.repeat(64)}`, '');
  writeFileSync(`${folder}/ingest/stray`, '');
  return { store, folder, [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }) };
}

const kindsOf = (problems: readonly { readonly kind: string }[]): string[] => problems.map(({ kind }) => kind).sort();
const SHALLOW = ['dangling-reference', 'missing-file', 'orphan-file', 'orphan-file', 'stale-ingest', 'wrong-size'];

test('checkContent() finds what is wrong and leaves it alone', async () => {
  await using world = broken();
  const { store } = world;
  assert.deepEqual(kindsOf(await checkContent(store)), SHALLOW);
  const deep = await checkContent(store, { deep: true });
  assert.deepEqual(kindsOf(deep), [...SHALLOW, 'wrong-digest'].sort());
  const wrong = deep.find((problem) => problem.kind === 'wrong-digest');
  assert.equal(wrong?.actual, digestOf('CHANGED'));
  assert.equal(store.list().length, 5);
});

test('checkContent() repairs: a second look finds only what cannot be brought back', async () => {
  await using world = broken();
  const { store, folder } = world;
  const seen: number[] = [];
  const problems = await checkContent(store, { deep: true, repair: true, onProgress: ({ blobs }) => seen.push(blobs) });
  assert.ok(problems.every(({ kind, repaired }) => repaired === (kind !== 'dangling-reference')));
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  assert.deepEqual(kindsOf(await checkContent(store, { deep: true })), ['dangling-reference']);
  assert.deepEqual(
    store.list().map(({ sizeBytes }) => sizeBytes),
    ['whole', 'parent'].map((text) => text.length),
  );
  assert.equal(existsSync(`${folder}/ingest/stray`), false);
});

test('checkContent() leaves blobs alone that are about to be recorded, and ends when told to', async () => {
  await using world = broken();
  const { store, folder } = world;
  using lease = store.lease('commit');
  lease.hold(`sha256:${'0'.repeat(64)}`);
  await checkContent(store, { repair: true });
  assert.equal(existsSync(`${folder}/blobs/sha256/${'0'.repeat(64)}`), true);
  await assert.rejects(checkContent(store, { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
});
