import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, type Digest, digestOf } from '#base';
import type { Descriptor } from '#specs';
import { parseReference } from '../reference.ts';
import { defaultRegistryConfig, type RegistryConfig } from './config.ts';
import { addImage, answer, FakeRegistry, refuse } from './fake-registry.ts';
import { MemoryBlobs } from './memory-blobs.ts';
import { openRegistryClient } from './open.ts';
import type { PushOptions, PushProgress, RegistryClient } from './registry-client.ts';

const log = createLog('fatal');
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar';

function client(config: Partial<RegistryConfig> = {}): RegistryClient {
  const quick = { backoffMs: 2, maxBackoffMs: 4, stallMs: 2000, commitMs: 2000, maxRetryAfterMs: 5000 };
  return openRegistryClient({ ...defaultRegistryConfig, certificateFolders: [], ...quick, ...config }, log);
}

function document(blobs: MemoryBlobs, mediaType: string, value: object): Descriptor {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...value }));
  return { mediaType, digest: blobs.add(bytes), size: bytes.length };
}

function image(blobs: MemoryBlobs, layers: readonly Uint8Array[], more: object = {}): Descriptor {
  const blob = (bytes: Uint8Array, mediaType: string): Descriptor => ({
    mediaType,
    digest: blobs.add(bytes),
    size: bytes.length,
  });
  const config = blob(Buffer.from('{"architecture":"amd64","os":"linux"}'), configType);
  return document(blobs, manifestType, { config, layers: layers.map((bytes) => blob(bytes, layerType)), ...more });
}

async function push(
  by: RegistryClient,
  name: string,
  root: Descriptor,
  blobs: MemoryBlobs,
  options: PushOptions = {},
): Promise<PushProgress[]> {
  const told: PushProgress[] = [];
  await by.push(parseReference(name), root, blobs, { onProgress: (progress) => told.push(progress), ...options });
  return told;
}

const kindsOf = (told: readonly PushProgress[], digest: Digest): string[] => [
  ...new Set(told.filter((each) => each.digest === digest).map(({ kind }) => kind)),
];

test('push() sends blobs, then the manifest under its tag; what is there is not sent again', async () => {
  await using registry = await FakeRegistry.start();
  await using pusher = client();
  const blobs = new MemoryBlobs();
  const layer = Buffer.alloc(200_000, 'a');
  const root = image(blobs, [layer, layer]);
  const told = await push(pusher, `${registry.host}/a/img:1`, root, blobs);
  assert.deepEqual(kindsOf(told, digestOf(layer)), ['preparing', 'pushing', 'pushed']);
  assert.deepEqual(registry.blobs.get(digestOf(layer)), layer);
  assert.equal(registry.count('PUT /v2/a/img/blobs/uploads'), 2);
  assert.equal(registry.requests.at(-1), 'PUT /v2/a/img/manifests/1');

  const target = new MemoryBlobs();
  const platform = { os: 'linux', architecture: 'amd64' };
  const pulled = await pusher.pull(parseReference(`${registry.host}/a/img:1`), target, {
    lease: target.lease,
    platform,
  });
  assert.equal(pulled.root.digest, root.digest);
  assert.deepEqual(target.digests().sort(), blobs.digests().sort());

  registry.requests.length = 0;
  const again = await push(pusher, `${registry.host}/a/img:2`, root, blobs);
  assert.deepEqual(kindsOf(again, digestOf(layer)), ['preparing', 'layer-already-exists']);
  assert.equal(registry.count('POST'), 0);
});

test('push() of an index sends its manifests first; one that is only at the registry is left there', async () => {
  await using registry = await FakeRegistry.start();
  await using pusher = client();
  const blobs = new MemoryBlobs();
  const here = image(blobs, [Buffer.from('one')]);
  const elsewhere = addImage(registry, 'img', 'other', [Buffer.from('two')]);
  const size = registry.manifests.get('img other')!.bytes.length;
  const entry = { mediaType: manifestType, digest: elsewhere.digest, size };
  const root = document(blobs, indexType, { manifests: [here, entry] });
  await push(pusher, `${registry.host}/img`, root, blobs);
  const puts = registry.requests.filter((each) => each.startsWith('PUT /v2/img/manifests/'));
  assert.deepEqual(puts, [`PUT /v2/img/manifests/${here.digest}`, 'PUT /v2/img/manifests/latest']);
  const missing = document(blobs, indexType, { manifests: [{ ...entry, digest: digestOf('none') }] });
  await assert.rejects(push(pusher, `${registry.host}/img`, missing, blobs), { code: 'registry.noContent' });
});

test('a blob of another repository is mounted instead of sent', async () => {
  await using registry = await FakeRegistry.start();
  await using pusher = client();
  const blobs = new MemoryBlobs();
  const layer = Buffer.from('layer');
  const root = image(blobs, [layer]);
  registry.blobs.set(digestOf(layer), layer);
  registry.intercept(({ request, response }) => {
    if (request.method !== 'HEAD') return false;
    answer(response, 404, {}, undefined);
    return true;
  });
  const mountCandidates = (digest: Digest): string[] => (digest === digestOf(layer) ? ['img', 'wrong', 'other'] : []);
  const told = await push(pusher, `${registry.host}/img`, root, blobs, { mountCandidates });
  assert.deepEqual(told.at(-1), { kind: 'mounted-from', digest: digestOf(layer), repository: 'other' });
  assert.equal(registry.uploads.size, 0, 'the upload that came instead of a mount is taken back');
});

test('an upload that breaks goes on in pieces from where the registry has it', async () => {
  await using registry = await FakeRegistry.start();
  await using pusher = client({ uploadChunkBytes: 1000 });
  const blobs = new MemoryBlobs();
  const layer = Buffer.from(Array.from({ length: 3500 }, (_, at) => at % 251));
  const root = image(blobs, [layer]);
  let breaks = 0;
  registry.intercept(({ request, response, url }) => {
    const isWhole = request.method === 'PUT' && request.headers['content-length'] === '3500';
    const isSecondPiece = request.headers['content-range'] === '1000-1999' && breaks === 1;
    if (!isWhole && !isSecondPiece) return false;
    breaks += 1;
    if (isSecondPiece) {
      // Half of it has come in before the connection went.
      const id = url.pathname.split('/').at(-1)!;
      registry.uploads.set(id, layer.subarray(0, 1500));
    }
    request.destroy();
    response.destroy();
    return true;
  });
  const told = await push(pusher, `${registry.host}/img`, root, blobs);
  assert.equal(breaks, 2);
  assert.deepEqual(registry.blobs.get(digestOf(layer)), layer);
  assert.equal(told.filter(({ kind }) => kind === 'retrying').length, 2);
  assert.equal(registry.uploads.size, 0, 'the upload that broke first is taken back');
  assert.equal(registry.count('PATCH'), 4, '0-999, the broken one, 1500-2499, 2500-3499');
});

test('an upload the registry forgets begins anew; one that is aborted is taken back', async () => {
  await using registry = await FakeRegistry.start();
  await using pusher = client({ uploadChunkBytes: 1000 });
  const blobs = new MemoryBlobs();
  const layer = Buffer.alloc(3000, 'z');
  const root = image(blobs, [layer]);
  let turn = 0;
  registry.intercept(({ request, response }) => {
    const isBlob = request.headers['content-length'] === '3000' || request.method === 'PATCH';
    if (!isBlob || (turn += 1) > 2) return false;
    request.resume();
    if (turn === 1) refuse(response, 500, 'UNKNOWN', 'oops');
    else {
      registry.uploads.clear();
      refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'unknown');
    }
    return true;
  });
  await push(pusher, `${registry.host}/img`, root, blobs);
  assert.deepEqual(registry.blobs.get(digestOf(layer)), layer);

  const abort = new AbortController();
  registry.blobs.clear();
  registry.intercept(({ request }) => {
    if (request.method === 'PUT') abort.abort(new Error('enough'));
    return request.method === 'PUT';
  });
  await assert.rejects(push(pusher, `${registry.host}/img`, root, blobs, { signal: abort.signal }), {
    message: 'enough',
  });
  assert.equal(registry.uploads.size, 0);
});

test('what a registry refuses ends the push at once, with its words', async () => {
  await using registry = await FakeRegistry.start();
  await using pusher = client();
  const blobs = new MemoryBlobs();
  const root = image(blobs, [Buffer.from('layer')]);
  registry.intercept(({ request, response }) => {
    if (request.method !== 'POST') return false;
    refuse(response, 403, 'DENIED', 'requested access to the resource is denied');
    return true;
  });
  await assert.rejects(push(pusher, `${registry.host}/img`, root, blobs), {
    message: 'denied: requested access to the resource is denied',
    kind: 'forbidden',
  });
  assert.equal(registry.count('PUT'), 0);
});

test('layers a registry may not hold are passed over', async () => {
  await using registry = await FakeRegistry.start();
  await using pusher = client();
  const blobs = new MemoryBlobs();
  const config = { mediaType: configType, digest: blobs.add(Buffer.from('{}')), size: 2 };
  const digest = digestOf('foreign');
  const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  const root = document(blobs, manifestType, {
    config,
    layers: [{ mediaType, digest, size: 7, urls: ['https://x/y'] }],
  });
  assert.deepEqual(kindsOf(await push(pusher, `${registry.host}/img`, root, blobs), digest), [
    'preparing',
    'skipped-foreign-layer',
  ]);
});

test('a manifest with a subject is listed under the tag of referrers where the registry has no list', async () => {
  await using registry = await FakeRegistry.start();
  await using pusher = client();
  const blobs = new MemoryBlobs();
  const subject = image(blobs, []);
  const artifact = image(blobs, [], { subject, artifactType: 'application/x-sbom' });
  const other = image(blobs, [Buffer.from('l')], { subject });
  await push(pusher, `${registry.host}/img:sbom`, artifact, blobs);
  await push(pusher, `${registry.host}/img:other`, other, blobs);
  await push(pusher, `${registry.host}/img:again`, artifact, blobs);
  const reference = parseReference(`${registry.host}/img`);
  const all = await pusher.referrers(reference, subject.digest);
  assert.deepEqual(
    all.map(({ digest, artifactType }) => [digest, artifactType]),
    [
      [artifact.digest, 'application/x-sbom'],
      [other.digest, configType],
    ],
  );
  assert.equal((await pusher.referrers(reference, subject.digest, 'application/x-sbom')).length, 1);
  assert.deepEqual(await pusher.referrers(reference, digestOf('nobody')), []);
});

test('tags come in pages, and a registry that pages in a circle is refused', async () => {
  await using registry = await FakeRegistry.start();
  await using reader = client();
  for (const tag of ['a', 'b', 'c', 'd', 'e']) addImage(registry, 'img', tag, []);
  const reference = parseReference(`${registry.host}/img`);
  assert.deepEqual(await reader.tags(reference), ['a', 'b', 'c', 'd', 'e']);
  await reader.deleteManifest(parseReference(`${registry.host}/img:c`));
  assert.deepEqual(await reader.tags(reference), ['a', 'b', 'd', 'e']);
  registry.intercept(({ response, url }) => {
    if (url.pathname === '/v2/_catalog') answer(response, 200, {}, '{"repositories":["a","b"]}');
    else if (!url.pathname.endsWith('/tags/list')) return false;
    else answer(response, 200, { Link: '</v2/img/tags/list>; rel="next"' }, '{"tags":null}');
    return true;
  });
  assert.deepEqual(await reader.catalog(registry.host), ['a', 'b']);
  await assert.rejects(reader.tags(reference), { code: 'registry.badAnswer' });
});
