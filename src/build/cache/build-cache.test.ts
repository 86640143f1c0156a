import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, memoryRecordStores } from '#base';
import type { BuildLayers, LayerKey, LayerRecord } from '#images';
import { BuildCache, cachedLayers } from './build-cache.ts';
import type { CacheMountRecord, CacheMounts } from './cache-mounts.ts';
import { collectCache, pruneCache, usageOf } from './prune.ts';

const key = (name: string) => digestOf(name);
const layer = (name: string): LayerKey => `build-${name}` as LayerKey;

/** Results named by a letter each; `abc` stands on `ab`. */
function world(...stacks: readonly string[]) {
  const stores = memoryRecordStores();
  const cache = new BuildCache(stores);
  const add = (stack: string) =>
    cache.add({
      keys: [key(stack)],
      identity: key(stack),
      layers: [...stack].map(layer),
      own: [layer(stack.at(-1)!)],
      kind: 'regular',
      description: stack,
    });
  for (const stack of stacks) add(stack);
  const ofImages = new Set<LayerKey>();
  let collected = 0;
  const layers = {
    get: (each: LayerKey) => ({ key: each, sizeBytes: 10 }) as LayerRecord,
    ofImages: () => ofImages,
    collect: async () => void (collected += 1),
  } as unknown as BuildLayers;
  const mounts = new Map<string, CacheMountRecord>();
  const cacheMounts = {
    list: () => [...mounts.values()],
    isInUse: () => false,
    remove: async (id: string) => void mounts.delete(id),
  } as unknown as CacheMounts;
  const options = { dataRoot: '/', execRoot: '/', cgroupParent: '/' };
  const left = (): string =>
    cache
      .list()
      .map(({ description }) => description)
      .join(' ');
  return {
    stores,
    cache,
    add,
    ofImages,
    mounts,
    left,
    collected: () => collected,
    parts: { cache, layers, cacheMounts, options },
  };
}

test('a download is found by its URL, the last one of it, also after a restart', () => {
  const { cache, stores, left } = world('a', 'b');
  const [first, second] = [cache.find(key('a'))!, cache.find(key('b'))!];
  const url = key('url');
  cache.noteDownload(first.id, url, { etag: '"1"', digest: key('one') });
  cache.noteDownload(first.id, url, { etag: '"1b"', digest: key('one') });
  assert.deepEqual(cache.find(url)?.download, { etag: '"1b"', digest: key('one') });
  cache.noteDownload(second.id, url, { etag: '"2"', digest: key('two') });
  cache.noteDownload('gone', url, { etag: '"3"', digest: key('three') });
  const again = new BuildCache(stores);
  for (const each of [cache, again]) {
    assert.equal(each.find(url)?.id, second.id);
    assert.equal(each.find(key('a'))?.id, first.id);
  }
  cache.noteDownload(first.id, key('b'), { etag: '', digest: key('b') });
  assert.equal(left(), 'a b');
});

test('a result is found by each of its keys, and by another store after a restart', () => {
  const { cache, stores } = world('a', 'ab');
  const entry = cache.find(key('ab'))!;
  cache.alias(entry, key('other'));
  const again = new BuildCache(stores);
  assert.equal(again.find(key('other'))?.id, entry.id);
  assert.equal(again.find(key('nothing')), undefined);
  assert.deepEqual([...cachedLayers(stores)].sort(), [layer('a'), layer('b')]);
});

test('a new result under a known key takes it over, and the old one goes with its last key', () => {
  const { cache, add, left } = world('a');
  const first = cache.find(key('a'))!;
  cache.alias(first, key('kept'));
  add('a');
  assert.notEqual(cache.find(key('a'))!.id, first.id);
  assert.equal(cache.find(key('kept'))!.id, first.id);
  cache.add({ ...first, keys: [key('kept')] });
  assert.equal(
    cache.list().some(({ id }) => id === first.id),
    false,
  );
  assert.equal(left(), 'a a');
  assert.ok(cache.takeForgotten() && !cache.takeForgotten());
});

test('what is used last stays longest under a budget, what is in use in any case', async () => {
  const { cache, parts, left, collected } = world('a', 'b', 'c');
  await new Promise((resolve) => setTimeout(resolve, 2));
  cache.use(cache.find(key('a'))!)[Symbol.dispose]();
  cache.flush();
  await collectCache(parts, 30);
  assert.deepEqual([left(), collected()], ['a b c', 0]);
  await collectCache(parts, 20);
  assert.deepEqual([left(), collected()], ['a c', 1]);
  using _use = cache.use(cache.find(key('c'))!);
  await collectCache(parts, 0);
  assert.equal(left(), 'c');
});

test('layers count once, those of images not at all; a base stays as long as something stands on it', async () => {
  const { parts, ofImages, left } = world('a', 'ab', 'ac');
  await collectCache(parts, 30);
  assert.equal(left(), 'a ab ac');
  ofImages.add(layer('a'));
  await collectCache(parts, 20);
  assert.equal(left(), 'a ab ac');
  const rows = usageOf(parts);
  assert.deepEqual(
    rows.map(({ isShared, parents }) => [isShared, parents.length]),
    [
      [true, 0],
      [false, 1],
      [false, 1],
    ],
  );
});

test('prune goes by what is asked for', async () => {
  const check = async (
    request: Partial<Parameters<typeof pruneCache>[1]>,
    expected: string,
    freed: number,
  ): Promise<void> => {
    const { parts, ofImages, left } = world('a', 'b', 'c');
    ofImages.add(layer('c'));
    const { freedBytes } = await pruneCache(parts, { all: false, matches: () => true, ...request });
    assert.deepEqual([left(), freedBytes], [expected, freed], JSON.stringify(request));
  };
  await check({}, 'c', 20);
  await check({ all: true }, '', 20);
  await check({ matches: ({ description }) => description === 'a' }, 'b c', 10);
  await check({ reservedBytes: 10 }, 'b c', 10);
  await check({ mostBytes: 20 }, 'a b c', 0);
  await check({ mostBytes: 5 }, 'c', 20);
  await check({ freeBytes: 1 }, 'a b c', 0);
});
