import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { shortId } from '#base';
import { addImage, digestOfWord, fakeParts, type FakeParts } from './fake-parts.ts';
import type { ImageUser, Removal } from './images.ts';
import { chainIdOf } from './layers/chain-id.ts';
import { pruneImages, removeImage } from './remove.ts';

const CONTAINER = 'e'.repeat(64);
const unused = (): undefined => undefined;
const used = (isRunning: boolean) => (): ImageUser => ({ containerId: CONTAINER, isRunning });

function remove(
  parts: FakeParts,
  reference: string,
  options: { force?: boolean; inUse?: () => ImageUser | undefined } = {},
): Promise<Removal> {
  const { force = false, inUse = unused } = options;
  return removeImage(parts, { reference, force, keepParents: false, inUse });
}

test('removing one of several tags keeps the image', async () => {
  using parts = fakeParts();
  const image = await addImage(parts, { tags: ['app:1', 'app:2'] });
  assert.deepEqual(await remove(parts, 'app:1', { inUse: used(true) }), { untagged: ['app:1'], deleted: [] });
  assert.deepEqual(parts.index.get(image.id)?.tags, ['app:2']);
  assert.equal(parts.index.find('app:1'), undefined);
});

test('removing the last tag, or an id, removes the image with what nobody else has', async () => {
  using parts = fakeParts();
  const a = await addImage(parts, { tags: ['a:1'], layers: ['shared', 'own'] });
  const b = await addImage(parts, { tags: ['b:1', 'b:2'], layers: ['shared', 'other'] });
  const [shared, own] = a.layers.map(({ diffId }) => diffId) as [typeof a.id, typeof a.id];
  const removed = await remove(parts, 'a:1');
  // compat: chains that only this image had, topmost first.
  assert.deepEqual(removed, { untagged: ['a:1'], deleted: [a.id, chainIdOf([shared, own])] });
  assert.deepEqual(
    a.layers.map(({ key }) => existsSync(parts.layers.folder(key))),
    [true, false],
  );
  for (const digest of [a.id, own, a.manifests[0]!.digest]) assert.equal(parts.content.stat(digest), undefined);
  assert.ok(parts.content.stat(shared));
  const rest = await remove(parts, b.id.slice(7, 30));
  assert.deepEqual(rest.untagged, ['b:1', 'b:2']);
  assert.equal(rest.deleted.length, 3);
  assert.deepEqual([parts.index.list(), parts.layers.list(), parts.content.list()], [[], [], []]);
});

test('digests of a repository go with its last tag', async () => {
  using parts = fakeParts();
  const digest = `app@${digestOfWord('m')}`;
  const image = await addImage(parts, { tags: ['app:1', 'app:2', 'x:1'], repoDigests: [digest] });
  assert.deepEqual((await remove(parts, 'app:1')).untagged, ['app:1']);
  assert.deepEqual((await remove(parts, 'app:2')).untagged, ['app:2', digest]);
  assert.deepEqual(parts.index.get(image.id)?.repoDigests, []);
});

test("an image in use is kept and the refusal is in Docker's words", async () => {
  using parts = fakeParts();
  const image = await addImage(parts, { tags: ['app:latest'] });
  const short = shortId(image.id);
  const user = 'e'.repeat(12);
  const refuse = async (reference: string, force: boolean, isRunning: boolean, message: string): Promise<void> => {
    await assert.rejects(remove(parts, reference, { force, inUse: used(isRunning) }), { kind: 'conflict', message });
    assert.deepEqual(parts.index.get(image.id)?.tags, ['app:latest']);
  };
  const name = `conflict: unable to remove repository reference "app" (must force) - container ${user} is using its referenced image ${short}`;
  await refuse('app', false, true, name);
  await refuse('app', false, false, name);
  const running = `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${user}`;
  await refuse(image.id, false, true, running);
  await refuse(image.id, true, true, running);
  const stopped = `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${user}`;
  await refuse(image.id, false, false, stopped);
});

test('forced removal of an image in use takes its names and leaves it for the container', async () => {
  for (const [byId, isRunning] of [
    [false, true],
    [false, false],
    [true, false],
  ] as const) {
    using parts = fakeParts();
    const image = await addImage(parts, { tags: ['app:latest'] });
    const reference = byId ? image.id : 'app';
    const removed = await remove(parts, reference, { force: true, inUse: used(isRunning) });
    assert.deepEqual(removed, { untagged: ['app:latest'], deleted: [] });
    assert.deepEqual(parts.index.get(image.id)?.tags, []);
    assert.ok(existsSync(parts.layers.folder(image.layers[0]!.key)));
    await assert.rejects(remove(parts, image.id, { force: true, inUse: used(false) }), { code: 'image.inUseUntagged' });
  }
});

test('an id with tags of several repositories needs force', async () => {
  using parts = fakeParts();
  const image = await addImage(parts, { tags: ['app:1', 'other:1'] });
  await assert.rejects(remove(parts, image.id), {
    message: /\(must be forced\) - image is referenced in multiple repositories$/,
  });
  assert.deepEqual((await remove(parts, image.id, { force: true })).untagged, ['app:1', 'other:1']);
});

test('removing what is not there says so with the tag', async () => {
  using parts = fakeParts();
  const id = digestOfWord('x');
  for (const [reference, shown] of [
    ['app', 'app:latest'],
    ['app:1', 'app:1'],
    ['abc', 'abc:latest'],
    [id, id],
    ['hello', 'hello:latest'],
  ] as const) {
    await assert.rejects(remove(parts, reference), { kind: 'not-found', message: `No such image: ${shown}` });
  }
});

test('nameless parents go with their last child, named and used ones stay', async () => {
  using parts = fakeParts();
  const named = await addImage(parts, { tags: ['base:1'], layers: ['a'] });
  const middle = await addImage(parts, { layers: ['a', 'b'], parent: named });
  const top = await addImage(parts, { tags: ['top:1'], layers: ['a', 'b', 'c'], parent: middle });
  const sibling = await addImage(parts, { tags: ['sibling:1'], layers: ['a', 'b', 'd'], parent: middle });
  assert.ok(!(await remove(parts, 'sibling:1')).deleted.includes(middle.id), 'top still needs it');
  assert.equal(parts.index.get(sibling.id), undefined);
  const { deleted } = await remove(parts, 'top:1');
  assert.ok(deleted.includes(top.id) && deleted.includes(middle.id));
  assert.deepEqual(
    parts.index.list().map(({ id }) => id),
    [named.id],
  );
});

test("pruning takes nameless images that are nobody's parent, or with all those no container uses", async () => {
  using parts = fakeParts();
  const dangling = await addImage(parts, { layers: ['x'] });
  const parent = await addImage(parts, { layers: ['a'], comment: 'parent' });
  const child = await addImage(parts, { tags: ['child:1'], layers: ['a', 'b'], parent });
  const all = { all: false, matches: () => true };
  const pruned = await pruneImages(parts, all, unused);
  assert.deepEqual(pruned.deleted[0], dangling.id);
  assert.ok(pruned.freedBytes > 0);
  assert.deepEqual(
    parts.index
      .list()
      .map(({ id }) => id)
      .sort(),
    [parent.id, child.id].sort(),
  );
  const kept = await pruneImages(parts, { all: true, matches: () => true }, (id) =>
    id === child.id ? used(true)() : undefined,
  );
  assert.deepEqual(kept.untagged, []);
  assert.deepEqual(
    parts.index.list().map(({ id }) => id),
    [child.id],
  );
  assert.deepEqual((await pruneImages(parts, { all: true, matches: () => false }, unused)).deleted, []);
  assert.deepEqual((await pruneImages(parts, { all: true, matches: () => true }, unused)).untagged, ['child:1']);
});

test('an image that others were made from here keeps its record, and cannot be removed by id', async () => {
  using parts = fakeParts();
  const parent = await addImage(parts, { tags: ['parent:1'], layers: ['a'] });
  const child = await addImage(parts, { tags: ['child:1'], layers: ['a', 'b'], parent });
  await assert.rejects(remove(parts, parent.id, { force: true }), {
    kind: 'conflict',
    message: `conflict: unable to delete ${shortId(parent.id)} (cannot be forced) - image has dependent child images`,
  });
  assert.deepEqual(await remove(parts, 'parent:1'), { untagged: ['parent:1'], deleted: [] });
  assert.deepEqual(parts.index.get(parent.id)?.tags, []);
  const { deleted } = await remove(parts, 'child:1');
  assert.deepEqual([deleted[0], deleted.includes(parent.id)], [child.id, true]);
  assert.deepEqual(parts.index.list(), []);
});
