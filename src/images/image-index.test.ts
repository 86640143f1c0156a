import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addImage, digestOfWord, fakeParts } from './fake-parts.ts';
import { lookUpImage, withTag } from './find.ts';
import { tagImage } from './tag.ts';

test('images are found by name, tag, digest, id and unique beginnings of ids', async () => {
  using parts = fakeParts();
  const digest = digestOfWord('index');
  const one = await addImage(parts, { tags: ['app:latest', 'host/app:v1'], repoDigests: [`host/app@${digest}`] });
  const two = await addImage(parts, { comment: 'two' });
  const check = async (reference: string, expected: string | undefined): Promise<void> =>
    assert.equal((await lookUpImage(parts, reference))?.id, expected, reference);
  await check('app', one.id);
  await check('docker.io/library/app', one.id);
  await check('host/app:v1', one.id);
  await check('host/app', undefined);
  await check('app:other', undefined);
  await check(`host/app@${digest}`, one.id);
  await check(`host/app:v9@${digest}`, one.id);
  await check(`app@${digest}`, undefined);
  await check(two.id, two.id);
  await check(two.id.slice(7), two.id);
  await check(two.id.slice(7, 19), two.id);
  await check(two.id.slice(0, 19), two.id);
  await check(digestOfWord('nothing'), undefined);
  await assert.rejects(lookUpImage(parts, 'App'), { code: 'reference.upperCaseName' });
  await assert.rejects(lookUpImage(parts, ''), { code: 'reference.badReference' });
});

test('a name comes before part of an id, and a beginning that fits two ids is refused', async () => {
  using parts = fakeParts();
  const images = await Promise.all(
    Array.from({ length: 40 }, (_, index) => addImage(parts, { comment: `image ${index}` })),
  );
  const first = images.map(({ id }) => id.slice(7, 8));
  const twice = first.find((digit, index) => first.indexOf(digit) !== index)!;
  await assert.rejects(lookUpImage(parts, twice), { code: 'image.ambiguous' });
  const other = images.find(({ id }) => !id.startsWith(`sha256:${twice}`))!;
  await tagImage(parts, other.id, twice);
  assert.equal((await lookUpImage(parts, twice))?.id, other.id);
});

test('a tag moves from the image that had it, which stays', async () => {
  using parts = fakeParts();
  const before = await addImage(parts, { tags: ['app:1', 'app:2'], comment: 'before' });
  const after = await addImage(parts, { comment: 'after' });
  await tagImage(parts, after.id, 'app:1');
  assert.deepEqual(parts.index.get(before.id)?.tags, ['app:2']);
  assert.deepEqual(parts.index.get(after.id)?.tags, ['app:1']);
  assert.notEqual(parts.index.get(after.id)?.taggedAt, '');
  assert.equal((await lookUpImage(parts, 'app:1'))?.id, after.id);
  await assert.rejects(tagImage(parts, 'nothing', 'app:1'), { message: 'No such image: nothing:latest' });
  await assert.rejects(tagImage(parts, after.id, 'Bad'), { code: 'reference.upperCaseName' });
  assert.deepEqual(
    parts.events.map(({ action, attributes }) => [action, attributes['name']]),
    [['tag', 'app:1']],
  );
});

test('a reference is shown as Docker shows it', () => {
  const id = digestOfWord('x');
  assert.deepEqual(['a', 'a:1', `a@${id}`, id, id.slice(7)].map(withTag), [
    'a:latest',
    'a:1',
    `a@${id}`,
    id,
    id.slice(7),
  ]);
});
