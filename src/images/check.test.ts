import assert from 'node:assert/strict';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkImages } from './check.ts';
import { addImage, type FakeParts, fakeParts } from './fake-parts.ts';
import type { ImageRecord } from './image-record.ts';
import { layerKey } from './layers/layer-store.ts';

/** A layer unpacks to itself. */
function withUnpacker(parts: FakeParts): FakeParts {
  const unpacker: FakeParts['unpacker'] = {
    unpack: async ({ blob }) => ({
      diffId: `sha256:${blob.slice(-64)}` as ImageRecord['id'],
      sizeBytes: 10,
      givesRoot: true,
      hidesBelow: false,
      impliedFolders: [],
      missingLinks: [],
    }),
    [Symbol.asyncDispose]: async () => {},
  };
  return Object.assign(parts, { unpacker });
}

type Damage = (parts: FakeParts, image: ImageRecord) => void;

/** What a look finds, what a repair says, and what is left of it, by kind; whether the image is still there. */
async function check(
  damage: Damage,
  expected: { readonly found: readonly string[]; readonly isRepaired: boolean; readonly isKept: boolean },
  { deep = false } = {},
): Promise<void> {
  using parts = withUnpacker(fakeParts());
  const image = await addImage(parts, { tags: ['app:1'], layers: ['one', 'two'] });
  damage(parts, image);
  const look = await checkImages(parts, { repair: false, deep });
  assert.deepEqual(look.map(({ kind }) => kind).toSorted(), expected.found.toSorted());
  assert.ok(look.every(({ isRepaired, message }) => !isRepaired && message.length > 20));
  assert.equal(parts.index.list().length, 1, 'a look changes nothing');
  const repair = await checkImages(parts, { repair: true, deep });
  assert.equal(
    repair.every(({ isRepaired }) => isRepaired),
    expected.isRepaired,
    JSON.stringify(repair),
  );
  assert.equal(parts.index.get(image.id) !== undefined, expected.isKept);
  assert.deepEqual(await checkImages(parts, { repair: false, deep }), []);
}

const layerBlob = ({ layers }: ImageRecord) => layers[1]!.diffId;

test('nothing is found where nothing is wrong', async () => {
  await check(() => {}, { found: [], isRepaired: true, isKept: true }, { deep: true });
});

test('layers: what is missing is unpacked again, what belongs to nobody goes', async () => {
  const repaired = { isRepaired: true, isKept: true };
  const folderOf = ({ dataRoot }: FakeParts, name: string): string => `${dataRoot}/layers/${name}`;
  await check((parts) => mkdirSync(folderOf(parts, 'tmp-1234')), { found: ['leftover'], ...repaired });
  await check((parts) => mkdirSync(folderOf(parts, 'f'.repeat(64))), { found: ['folder-without-record'], ...repaired });
  await check((parts, image) => rmSync(folderOf(parts, layerKey(layerBlob(image))), { recursive: true }), {
    found: ['record-without-folder'],
    ...repaired,
  });
});

test('a layer without a record is unpacked again', async () => {
  using parts = withUnpacker(fakeParts());
  const image = await addImage(parts, { tags: ['app:1'], layers: ['one', 'two'] });
  await parts.layers.remove(layerKey(layerBlob(image)));
  const faults = await checkImages(parts, { repair: true, deep: false });
  assert.deepEqual(
    faults.map(({ kind, isRepaired }) => [kind, isRepaired]),
    [['image-layer', true]],
  );
  assert.equal(parts.layers.list().length, 2);
});

test('files of the content store that belong to nobody go', async () => {
  const stray: Damage = ({ dataRoot }) => writeFileSync(`${dataRoot}/content/blobs/sha256/${'0'.repeat(64)}`, '');
  await check(stray, { found: ['orphan-file'], isRepaired: true, isKept: true });
  const ingest: Damage = ({ dataRoot }) => writeFileSync(`${dataRoot}/content/ingest/stray`, '');
  await check(ingest, { found: ['stale-ingest'], isRepaired: true, isKept: true });
});

test('a damaged blob is found: by its size, by reading it, by its absence', async () => {
  const found = async (damage: Damage, kind: string, deep = false): Promise<void> => {
    using parts = withUnpacker(fakeParts());
    const image = await addImage(parts, { tags: ['app:1'], layers: ['one', 'two'] });
    damage(parts, image);
    const kinds = (await checkImages(parts, { repair: false, deep })).map((fault) => fault.kind);
    assert.ok(kinds.includes(kind), `${kind} in ${kinds.join(' ')}`);
    const faults = await checkImages(parts, { repair: true, deep });
    assert.ok(faults.find((fault) => fault.kind === kind)?.isRepaired);
    assert.ok(faults.some((fault) => fault.kind === 'image-manifest'));
    assert.equal(parts.content.stat(layerBlob(image)), undefined, 'it is not given away any more');
  };
  await found((parts, image) => truncateSync(parts.content.path(layerBlob(image)), 1), 'wrong-size');
  await found((parts, image) => rmSync(parts.content.path(layerBlob(image))), 'missing-file');
  await found((parts, image) => writeFileSync(parts.content.path(layerBlob(image)), 'TWO'), 'wrong-digest', true);
});

test('an image that lost a layer and its blob cannot be made whole, and is forgotten', async () => {
  using parts = withUnpacker(fakeParts());
  const image = await addImage(parts, { tags: ['app:1'], layers: ['one', 'two'] });
  const other = await addImage(parts, { tags: ['other:1'], layers: ['one'] });
  rmSync(parts.content.path(layerBlob(image)));
  await parts.layers.remove(layerKey(layerBlob(image)));
  const faults = await checkImages(parts, { repair: true, deep: false });
  assert.ok(faults.some(({ kind, message }) => kind === 'image-lost' && /pull or load it again/.test(message)));
  assert.deepEqual(
    parts.index.list().map(({ id }) => id),
    [other.id],
  );
  assert.deepEqual(await checkImages(parts, { repair: false, deep: true }), []);
});
