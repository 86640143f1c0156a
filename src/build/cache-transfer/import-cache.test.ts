import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '#base';
import { type Descriptor, type Manifest, mediaTypes } from '#specs';
import { CACHE_CONFIG, DIFF_ID, encodeCacheConfig, encodeInlineCache } from './cache-config.ts';
import { firstOf, importCache } from './import-cache.ts';

const layer = (name: string, annotations?: Record<string, string>): Descriptor => ({
  mediaType: mediaTypes.ociLayerGzip,
  digest: digestOf(name),
  size: 3,
  ...(annotations ? { annotations } : {}),
});
const annotated = (name: string): Descriptor => layer(name, { [DIFF_ID]: digestOf(`tar of ${name}`) });
const key = digestOf('key');
const record = { key, identity: 'own', layers: [0, 1], createdAt: '' };

function origin(root: Manifest, blobs: Readonly<Record<string, Buffer>>) {
  return {
    root,
    read: async ({ digest }: Descriptor) => blobs[digest] ?? assert.fail(`${digest} is read`),
    fetch: async () => {},
  };
}

test('a cache of its own, as a manifest and as an index', async () => {
  const config = encodeCacheConfig({ blobs: [digestOf('a'), digestOf('b')], records: [record] });
  const descriptor = { mediaType: CACHE_CONFIG, digest: digestOf(config), size: config.length };
  const layers = [annotated('a'), annotated('b')];
  const manifest: Manifest = { kind: 'manifest', mediaType: mediaTypes.ociManifest, config: descriptor, layers };
  const index: Manifest = { kind: 'index', mediaType: mediaTypes.ociIndex, manifests: [...layers, descriptor] };
  for (const root of [manifest, index]) {
    const cache = await importCache(origin(root, { [descriptor.digest]: config }));
    const found = cache.find(key);
    assert.equal(found?.identity, 'own');
    assert.deepEqual(
      found.layers.map(({ diffId }) => diffId),
      [digestOf('tar of a'), digestOf('tar of b')],
    );
    assert.equal(cache.find(digestOf('other')), undefined);
    assert.equal(
      firstOf([await importCache(origin(root, { [descriptor.digest]: config }))], ['x', key])?.identity,
      'own',
    );
  }
  // A layer that does not say what its archive holds is of no use, and so is a result with one.
  const without: Manifest = { ...manifest, layers: [layers[0]!, layer('b')] };
  assert.equal((await importCache(origin(without, { [descriptor.digest]: config }))).find(key), undefined);
});

test('cache mounts are there for who asks for them', async () => {
  const config = encodeCacheConfig({ blobs: [], records: [] });
  const descriptor = { mediaType: CACHE_CONFIG, digest: digestOf(config), size: config.length };
  const mount = layer('m', { [DIFF_ID]: digestOf('tar of m'), 'skiff.cache-mount': 'pip' });
  const root: Manifest = { kind: 'manifest', mediaType: mediaTypes.ociManifest, config: descriptor, layers: [mount] };
  const from = origin(root, { [descriptor.digest]: config });
  assert.equal((await importCache(from)).mount('pip'), undefined);
  const cache = await importCache({ ...from, hasMounts: true });
  assert.equal(cache.mount('pip')?.blob, mount);
  assert.equal(cache.mount('apt'), undefined);
});

test('a cache inside of an image, of an index as well; an image without one has none', async () => {
  const config = (more: object): Buffer =>
    Buffer.from(JSON.stringify({ rootfs: { diff_ids: [digestOf('1'), digestOf('2')] }, ...more }));
  const inline = config({ 'moby.buildkit.cache.v0': encodeInlineCache([record]) });
  const descriptor = (bytes: Buffer): Descriptor => ({
    mediaType: mediaTypes.ociConfig,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const image = (bytes: Buffer): Manifest => ({
    kind: 'manifest',
    mediaType: mediaTypes.ociManifest,
    config: descriptor(bytes),
    layers: [layer('a'), layer('b')],
  });
  const found = (await importCache(origin(image(inline), { [digestOf(inline)]: inline }))).find(key);
  assert.deepEqual(
    found?.layers.map(({ diffId }) => diffId),
    [digestOf('1'), digestOf('2')],
  );
  const document = Buffer.from(
    JSON.stringify({ schemaVersion: 2, config: descriptor(inline), layers: [layer('a'), layer('b')] }),
  );
  const entry = { mediaType: mediaTypes.ociManifest, digest: digestOf(document), size: document.length };
  const index: Manifest = { kind: 'index', mediaType: mediaTypes.ociIndex, manifests: [entry] };
  const blobs = { [digestOf(document)]: document, [digestOf(inline)]: inline };
  assert.equal((await importCache(origin(index, blobs))).find(key)?.identity, 'own');
  for (const bytes of [config({}), config({ rootfs: { diff_ids: [] }, 'moby.buildkit.cache.v0': 'AA==' })]) {
    assert.equal((await importCache(origin(image(bytes), { [digestOf(bytes)]: bytes }))).find(key), undefined);
  }
  const broken = Buffer.from('{');
  await assert.rejects(importCache(origin(image(broken), { [digestOf(broken)]: broken })), { code: 'build.badCache' });
});
