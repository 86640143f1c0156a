import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import { parseImageConfig } from './image-config.ts';
import { childrenOf, encodeManifest, parseManifest } from './manifest.ts';
import { mediaTypes } from './media-types.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const config = { mediaType: mediaTypes.ociConfig, digest, size: 2 };
const layer = { mediaType: mediaTypes.ociLayerGzip, digest: `sha512:${'b'.repeat(128)}`, size: 9 };
const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

test('manifests and indexes are told apart by their type, given inside or outside', () => {
  const parsed = parseManifest(bytes(manifest));
  assert.ok(parsed.kind === 'manifest');
  assert.deepEqual(
    childrenOf(parsed).map((child) => child.digest),
    [digest, layer.digest],
  );
  const { mediaType: _, ...untyped } = manifest;
  assert.equal(parseManifest(bytes(untyped)).mediaType, mediaTypes.ociManifest);
  assert.equal(parseManifest(bytes(untyped), mediaTypes.dockerManifest).mediaType, mediaTypes.dockerManifest);
  const platform = { architecture: 'arm64', os: 'linux', variant: 'v8', 'os.version': '1' };
  const index = { schemaVersion: 2, manifests: [{ ...config, mediaType: mediaTypes.ociManifest, platform }] };
  const list = parseManifest(bytes(index));
  assert.ok(list.kind === 'index');
  assert.equal(list.mediaType, mediaTypes.ociIndex);
  assert.deepEqual(list.manifests[0]?.platform, { architecture: 'arm64', os: 'linux', variant: 'v8', osVersion: '1' });
});

test('what is no manifest is refused with what is wrong and where', () => {
  const check = (value: unknown, message: RegExp, mediaType?: string): void =>
    assert.throws(() => parseManifest(typeof value === 'string' ? Buffer.from(value) : bytes(value), mediaType), {
      kind: 'invalid',
      message,
    });
  check('', /manifest is not valid JSON/);
  check('[]', /no JSON object/);
  check('{"a":1', /not valid JSON/);
  check(`${'['.repeat(100)}`, /nested too deeply/);
  check({ ...manifest, schemaVersion: 1 }, /first schema/);
  check({ ...manifest, schemaVersion: '2' }, /schemaVersion is not 2/);
  check({ ...manifest, mediaType: 'text/plain' }, /unsupported manifest media type 'text\/plain'/);
  check(manifest, /differs from the/, mediaTypes.dockerManifest);
  check({ ...manifest, manifests: [] }, /manifests does not belong in an image manifest/);
  check({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [], layers: [] }, /layers does not belong/);
  check({ ...manifest, config: undefined }, /config is missing/);
  check({ ...manifest, layers: {} }, /layers is no list/);
  check({ ...manifest, layers: [layer, 3] }, /layers\[1\] is no JSON object/);
  check({ ...manifest, layers: [{ ...layer, size: -1 }] }, /layers\[0\]\.size is no size: -1/);
  check({ ...manifest, layers: [{ ...layer, size: 1e300 }] }, /is no size/);
  check({ ...manifest, layers: [{ ...layer, digest: 'sha256:zz' }] }, /layers\[0\]\.digest 'sha256:zz' is no/);
  check({ ...manifest, layers: [{ ...layer, digest: undefined }] }, /layers\[0\]\.digest is missing/);
  check({ ...manifest, annotations: { a: 1 } }, /annotations is no object of strings/);
});

test('the same parts give the same bytes, which are read again', () => {
  const parts = { mediaType: mediaTypes.dockerManifest, config, layers: [layer] } as never;
  assert.ok(encodeManifest(parts).equals(encodeManifest(structuredClone(parts))));
  assert.deepEqual(parseManifest(encodeManifest(parts)), { kind: 'manifest', ...(parts as object) });
});

test('configs are read in full, with null for what is absent', () => {
  const document = {
    architecture: 'amd64',
    os: 'linux',
    created: '2026-01-02T03:04:05Z',
    config: {
      Cmd: null,
      Env: ['A=b'],
      ExposedPorts: { '80/tcp': {} },
      Labels: null,
      Healthcheck: { Test: ['NONE'], Interval: 5 },
      Unknown: 1,
    },
    history: [{ created_by: 'x', empty_layer: true }, {}],
    rootfs: { type: 'layers', diff_ids: [digest] },
    extra: { kept: true },
  };
  const image = parseImageConfig(bytes(document));
  assert.deepEqual(image.execution.env, ['A=b']);
  assert.deepEqual(image.execution.command, []);
  assert.deepEqual(image.execution.exposedPorts, ['80/tcp']);
  assert.equal(image.execution.healthcheck?.interval, 5);
  assert.deepEqual(image.history, [{ createdBy: 'x', emptyLayer: true }, {}]);
  assert.deepEqual(image.diffIds, [digest]);
  assert.deepEqual(image.document['extra'], { kept: true });
  const check = (change: object, message: RegExp): void =>
    assert.throws(() => parseImageConfig(bytes({ ...document, ...change })), { kind: 'invalid', message });
  check({ rootfs: undefined }, /rootfs is missing/);
  check({ rootfs: { diff_ids: ['x'] } }, /rootfs\.diff_ids\[0\] 'x' is no/);
  check({ config: { Env: 'A=b' } }, /config\.Env is no list of strings/);
  check({ config: [] }, /config is no JSON object/);
  check({ history: [{ empty_layer: 'yes' }] }, /history\[0\]\.empty_layer is no boolean/);
});

test('damaged documents are refused by name or read, never worse', () => {
  const seeds = [
    bytes(manifest),
    bytes({ architecture: 'x', os: 'linux', rootfs: { diff_ids: [digest] }, config: {} }),
  ];
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const pieces = ['null', '[]', '{}', '"x"', '-1', '1e999', ',', '"', '\\u0000', '\xff', '[[[[', '}'];
  for (let turn = 0; turn < 20_000; turn += 1) {
    const data = Buffer.from(seeds[turn % 2]!);
    for (let change = random(4); change >= 0; change -= 1) {
      const at = random(data.length);
      if (random(2) === 0) data[at] = random(256);
      else data.write(pieces[random(pieces.length)]!, at, 'latin1');
    }
    for (const parse of [parseManifest, parseImageConfig]) {
      try {
        parse(data);
      } catch (error) {
        assert.ok(error instanceof SkiffError && error.kind === 'invalid', String(error));
      }
    }
  }
});
