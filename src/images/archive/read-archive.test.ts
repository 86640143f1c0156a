import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import { mediaTypes } from '#specs';
import {
  blobOf,
  configOf,
  describe,
  imagesIn,
  indexOf,
  LAYER,
  layoutOf,
  manifestOf,
  type Parts,
  type ReadOptions,
  tarOf,
} from './fake-archives.ts';

const config = configOf('one');
const other = configOf('two');
const manifest = manifestOf(config);
const otherManifest = manifestOf(other);

async function check(parts: Parts, expected: readonly string[], options: ReadOptions = {}): Promise<void> {
  assert.deepEqual(await imagesIn(tarOf(parts), options), expected);
}

async function refused(parts: Parts, message: RegExp): Promise<void> {
  await assert.rejects(imagesIn(tarOf(parts)), (error) => {
    assert.ok(error instanceof SkiffError && error.kind === 'invalid', String(error));
    assert.match(error.message, message);
    return true;
  });
}

/** As old `docker save` writes it: `manifest.json` last, a folder per layer. */
const docker = (entry: object = {}, more: Parts = {}): Parts => ({
  'abc/VERSION': '1.0',
  'abc/json': '{}',
  'abc/layer.tar': LAYER.bytes,
  'config.json': config.bytes,
  ...more,
  'manifest.json': JSON.stringify([
    { Config: 'config.json', RepoTags: ['app:1', 'docker.io/library/app:2'], Layers: ['abc/layer.tar'], ...entry },
  ]),
});

test('archives of docker save, old ones', async () => {
  await check(docker(), [`${config.digest} app:1 app:2`]);
  await check(docker({ RepoTags: null }), [config.digest]);
  await check(docker({ Config: './config.json', Layers: ['/abc/layer.tar'] }), [`${config.digest} app:1 app:2`]);
  // Layers that are the same are links to each other.
  const linked = docker({ Layers: ['def/layer.tar'] }, { 'def/layer.tar': { link: '../abc/layer.tar' } });
  await check(linked, [`${config.digest} app:1 app:2`]);
  const twice = docker(
    { Layers: ['ghi/layer.tar'] },
    {
      'def/layer.tar': { link: '../abc/layer.tar' },
      'ghi/layer.tar': { link: '../def/layer.tar' },
    },
  );
  await check(twice, [`${config.digest} app:1 app:2`]);
});

test('what is no archive of docker save says why', async () => {
  await refused({}, /archive is empty|neither a manifest\.json/);
  await refused({ 'some/file': 'x' }, /neither a manifest\.json \(docker save\) nor an index\.json/);
  await refused(docker({ Config: 'nothing.json' }), /names nothing\.json, which is not in it/);
  await refused(docker({ Layers: ['nothing'] }), /names nothing, which is not in it/);
  await refused(docker({ Config: 5 }), /manifest\.json.*Config/);
  await refused(docker({ RepoTags: ['Not A Name'] }), /invalid reference format/);
  await refused({ 'manifest.json': '{nonsense' }, /manifest\.json is not valid JSON/);
  await refused({ 'manifest.json': '"text"' }, /manifest\.json/);
  // A link that leads in a circle, and one that leads out.
  await refused(docker({ Layers: ['x'] }, { x: { link: 'y' }, y: { link: 'x' } }), /names x, which is not in it/);
  await refused(docker({ Layers: ['x'] }, { x: { link: '../../etc/passwd' } }), /names x, which is not in it/);
  await refused({ '../outside': 'x' }, /is outside of the archive/);
});

test('OCI layouts: names by annotation, several images, what is no image is passed over', async () => {
  const named = (name: string, key = 'org.opencontainers.image.ref.name') =>
    describe(manifest, mediaTypes.ociManifest, { annotations: { [key]: name } });
  const layout = (...entries: object[]) => layoutOf(indexOf(...entries), config, manifest, other, otherManifest);
  await check(layout(named('quay.io/me/app:1')), [`${config.digest} quay.io/me/app:1`]);
  await check(layout(named('docker.io/library/app:1', 'io.containerd.image.name')), [`${config.digest} app:1`]);
  await check(layout(named('latest')), [config.digest]);
  await check(layout(named('Not: A name')), [config.digest]);
  const two = [named('a:1'), describe(otherManifest, mediaTypes.ociManifest)];
  await check(layout(...two), [`${config.digest} a:1`, other.digest]);
  const attestation = { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } };
  await check(layout(describe(otherManifest, mediaTypes.ociManifest, attestation), named('a:1')), [
    `${config.digest} a:1`,
  ]);
  await refused(layoutOf('{', config), /JSON/);
  await refused(layoutOf(JSON.parse(manifest.bytes.toString()) as object, config), /index/);
});

test("Docker's list adds names to a layout's images, as docker save of today writes both", async () => {
  const list = [{ Config: config.path, RepoTags: ['app:1'], Layers: [LAYER.path] }];
  const both = {
    ...layoutOf(indexOf(describe(manifest, mediaTypes.ociManifest)), config, manifest),
    'manifest.json': JSON.stringify(list),
  };
  await check(both, [`${config.digest} app:1`]);
});

test('an index of platforms gives the one that fits, however deep it is', async () => {
  const arm = configOf('arm', 'arm64');
  const armManifest = manifestOf(arm);
  const entry = (blob: typeof manifest, architecture: string) =>
    describe(blob, mediaTypes.ociManifest, { platform: { os: 'linux', architecture } });
  const platforms = blobOf(indexOf(entry(armManifest, 'arm64'), entry(manifest, 'amd64')));
  const nested = blobOf(indexOf(describe(platforms, mediaTypes.ociIndex)));
  const blobs = [config, manifest, arm, armManifest, platforms, nested];
  for (const root of [platforms, nested]) {
    const parts = layoutOf(indexOf(describe(root, mediaTypes.ociIndex)), ...blobs);
    await check(parts, [config.digest]);
  }
  const parts = layoutOf(indexOf(describe(platforms, mediaTypes.ociIndex)), ...blobs);
  await check(parts, [arm.digest], { platform: { os: 'linux', architecture: 'arm64' } });
  await check(parts, [], { platform: { os: 'linux', architecture: 's390x' } });
  // Only one platform is in the archive: it is taken unless another was asked for.
  const partial = layoutOf(indexOf(describe(platforms, mediaTypes.ociIndex)), arm, armManifest, platforms);
  await check(partial, [arm.digest]);
  await check(partial, [], { platform: { os: 'linux', architecture: 'amd64' } });
  let deep = platforms;
  const all = [...blobs];
  for (let depth = 0; depth < 8; depth += 1) all.push((deep = blobOf(indexOf(describe(deep, mediaTypes.ociIndex)))));
  await refused(layoutOf(indexOf(describe(deep, mediaTypes.ociIndex)), ...all), /nested too deeply/);
});

test('whatever manifest.json and index.json say, they are read or refused by name', async () => {
  let state = 7;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const layout = layoutOf(indexOf(describe(manifest, mediaTypes.ociManifest)), config, manifest);
  const samples: readonly (readonly [Parts, string])[] = [
    [docker(), 'manifest.json'],
    [layout, 'index.json'],
    [layout, manifest.path],
  ];
  const words = [
    'null',
    '[]',
    '{}',
    '-1',
    '1e999',
    '"',
    '\\u0000',
    '[[[[',
    '"sha256:0"',
    ',',
    'Config',
    '9'.repeat(30),
  ];
  let [read, refusals] = [0, 0];
  for (let turn = 0; turn < 45; turn += 1) {
    const [parts, path] = samples[turn % samples.length]!;
    let text = Buffer.from(parts[path] as Buffer | string).toString('latin1');
    for (let changes = random(3); changes >= 0; changes -= 1) {
      const at = random(text.length);
      text = text.slice(0, at) + words[random(words.length)]! + text.slice(at + random(12));
    }
    try {
      await imagesIn(tarOf({ ...parts, [path]: Buffer.from(text, 'latin1') }));
      read += 1;
    } catch (error) {
      assert.ok(error instanceof SkiffError && error.kind === 'invalid', `${text}: ${String(error)}`);
      refusals += 1;
    }
  }
  assert.ok(read > 1 && refusals > 10, `${read} read, ${refusals} refused`);
});
