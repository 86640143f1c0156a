import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { type Digest, memoryRecordStores, type RecordStores } from '#base';
import { DiskImages } from './disk-images.ts';
import { emptyImageConfig, type ImageRecord } from './image-record.ts';
import type { ImageUser } from './images.ts';
import { layerKey, LayerStore } from './layers/layer-store.ts';

const digest = (digits: string): Digest => `sha256:${digits.padEnd(64, '0')}` as Digest;

function image(digits: string, tags: string[], layers = [digest(digits)]): ImageRecord {
  return {
    version: 1,
    id: digest(digits),
    tags,
    createdAt: '2026-01-02T03:04:05Z',
    architecture: 'amd64',
    os: 'linux',
    config: emptyImageConfig,
    layers,
    sizeBytes: 0,
    comment: '',
  };
}

interface World {
  readonly dataRoot: string;
  readonly images: DiskImages;
  readonly layers: LayerStore;
  readonly records: RecordStores;
}

/** Images whose layers are there. */
async function world(context: TestContext, ...all: ImageRecord[]): Promise<World> {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-images-`);
  context.after(() => rmSync(dataRoot, { recursive: true, force: true }));
  const records = memoryRecordStores();
  const layers = new LayerStore({ dataRoot, records });
  for (const record of all) {
    records.of<ImageRecord>('image').put(record.id, record);
    for (const diffId of record.layers) await layers.begin().commit({ diffId, sizeBytes: 0 });
  }
  const images = new DiskImages({ dataRoot, records, layers, helperProgram: '/does/not/exist' });
  return { dataRoot, images, layers, records };
}

const has = (layers: LayerStore, diffId: Digest): boolean => layers.get(layerKey(diffId)) !== undefined;
const unused = (): undefined => undefined;
const used = (isRunning: boolean) => (): ImageUser => ({ containerId: 'e'.repeat(64), isRunning });

test('find() takes names, tags, ids and unique beginnings of ids', async (context) => {
  const { images } = await world(
    context,
    image('abc1', ['app:latest', 'host/app:v1']),
    image('abc2', []),
    image('cafe', []),
  );
  const named = image('beef', ['cafe:latest']);
  const { images: others } = await world(context, named, image('cafe', []));
  const check = async (reference: string, expected: string | undefined): Promise<void> =>
    assert.equal((await images.find(reference))?.id, expected && digest(expected), reference);
  await check('app', 'abc1');
  await check('docker.io/library/app', 'abc1');
  await check('host/app:v1', 'abc1');
  await check('host/app', undefined);
  await check('app:other', undefined);
  await check(digest('abc2'), 'abc2');
  await check(digest('abc2').slice(7), 'abc2');
  await check('abc2', 'abc2');
  await check('sha256:abc2', 'abc2');
  await check('c', 'cafe');
  await check('dead', undefined);
  await check(`app@${digest('abc1')}`, undefined);
  await assert.rejects(images.find('abc'), { code: 'image.ambiguous' });
  await assert.rejects(images.find('App'), { code: 'reference.upperCaseName' });
  await assert.rejects(images.find(''), { code: 'reference.badReference' });
  assert.equal((await others.find('cafe'))?.id, named.id, 'a name comes before part of an id');
});

test('removing one of several tags keeps the image', async (context) => {
  const { images, records } = await world(context, image('a', ['app:1', 'app:2']));
  assert.deepEqual(await images.remove('app:1', false, used(true)), { untagged: ['app:1'], deleted: [] });
  assert.deepEqual(images.get(digest('a'))?.tags, ['app:2']);
  assert.deepEqual(records.of<ImageRecord>('image').get(digest('a'))?.tags, ['app:2']);
  assert.equal(await images.find('app:1'), undefined);
});

test('removing the last tag, or an id, removes the image with the layers nobody else has', async (context) => {
  const shared = digest('5');
  const all = [image('a', ['app:1'], [shared, digest('a')]), image('b', ['b:1', 'b:2'], [shared, digest('b')])];
  const { images, layers, records, dataRoot } = await world(context, ...all);
  writeFileSync(`${dataRoot}/images/${digest('a').slice(7)}.json`, '{}');
  assert.deepEqual(await images.remove('app:1', false, unused), { untagged: ['app:1'], deleted: [digest('a')] });
  assert.deepEqual([has(layers, shared), has(layers, digest('a')), has(layers, digest('b'))], [true, false, true]);
  assert.deepEqual(readdirSync(`${dataRoot}/images`), []);
  const removed = await images.remove(digest('b').slice(7, 30), false, unused);
  assert.deepEqual(removed, { untagged: ['b:1', 'b:2'], deleted: [digest('b')] });
  assert.deepEqual([images.list(), records.of('image').list(), has(layers, shared)], [[], [], false]);
});

test("an image in use is kept and the refusal is in Docker's words", async (context) => {
  const short = digest('a').slice(7, 19);
  const user = 'e'.repeat(12);
  const refuse = async (reference: string, force: boolean, isRunning: boolean, message: string): Promise<void> => {
    const { images } = await world(context, image('a', ['app:latest']));
    await assert.rejects(images.remove(reference, force, used(isRunning)), { kind: 'conflict', message });
    assert.deepEqual(images.get(digest('a'))?.tags, ['app:latest']);
  };
  const name = `conflict: unable to remove repository reference "app" (must force) - container ${user} is using its referenced image ${short}`;
  await refuse('app', false, true, name);
  await refuse('app', false, false, name);
  const running = `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${user}`;
  await refuse(digest('a'), false, true, running);
  await refuse(digest('a'), true, true, running);
  const stopped = `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${user}`;
  await refuse(digest('a'), false, false, stopped);
});

test('forced removal of an image in use takes its tags and leaves it for the container', async (context) => {
  for (const [reference, isRunning] of [
    ['app', true],
    ['app', false],
    [digest('a'), false],
  ] as const) {
    const { images, layers } = await world(context, image('a', ['app:latest']));
    assert.deepEqual(await images.remove(reference, true, used(isRunning)), { untagged: ['app:latest'], deleted: [] });
    assert.deepEqual(images.get(digest('a'))?.tags, []);
    assert.ok(has(layers, digest('a')));
    await assert.rejects(images.remove(digest('a'), true, used(false)), { code: 'image.inUseUntagged' });
  }
});

test('an id with tags of several repositories needs force', async (context) => {
  const { images } = await world(context, image('a', ['app:1', 'other:1']));
  await assert.rejects(images.remove(digest('a'), false, unused), {
    message: /\(must be forced\) - image is referenced in multiple repositories$/,
  });
  assert.deepEqual(await images.remove(digest('a'), true, unused), {
    untagged: ['app:1', 'other:1'],
    deleted: [digest('a')],
  });
});

test('removing what is not there says so with the tag', async (context) => {
  const { images } = await world(context);
  const check = async (reference: string, shown: string): Promise<void> =>
    assert.rejects(images.remove(reference, false, unused), { kind: 'not-found', message: `No such image: ${shown}` });
  await check('app', 'app:latest');
  await check('app:1', 'app:1');
  await check('abc', 'abc:latest');
  await check(digest('a'), digest('a'));
  await check('hello', 'hello:latest');
});

test('an import that cannot work fails before anything is read or made', async (context) => {
  const { images, dataRoot } = await world(context);
  const tar = new Readable({ read: () => assert.fail('nothing should be read') });
  const options = { message: '', changes: [] };
  await assert.rejects(images.import(tar, { ...options, reference: 'Bad' }), { code: 'reference.upperCaseName' });
  await assert.rejects(images.import(tar, { ...options, changes: ['RUN x'] }), { code: 'image.badChange' });
  await assert.rejects(images.import(tar, { ...options, signal: AbortSignal.abort() }), { code: 'image.cancelled' });
  assert.deepEqual([readdirSync(`${dataRoot}/layers`), readdirSync(`${dataRoot}/images`)], [[], []]);
});

test('what a crash left without a record is gone after the next start', async (context) => {
  const { dataRoot, layers, records } = await world(context, image('a', ['app:1']));
  await layers.begin().commit({ diffId: digest('b'), sizeBytes: 0 });
  layers.begin();
  const config = (digits: string): string => `${dataRoot}/images/${digest(digits).slice(7)}.json`;
  for (const path of [config('a'), config('b'), `${config('c')}.123.tmp`]) writeFileSync(path, '{}');
  const images = new DiskImages({ dataRoot, records, layers, helperProgram: '/does/not/exist' });
  assert.equal(images.list().length, 1);
  assert.deepEqual(readdirSync(`${dataRoot}/layers`), [digest('a').slice(7)]);
  assert.deepEqual(readdirSync(`${dataRoot}/images`), [`${digest('a').slice(7)}.json`]);
  assert.ok(existsSync(layers.folder(layerKey(digest('a')))));
});
