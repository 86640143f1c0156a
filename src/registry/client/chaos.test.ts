import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, digestOf, SkiffError } from '#base';
import { parseReference } from '../reference.ts';
import { defaultRegistryConfig } from './config.ts';
import { addImage, answer, type Exchange, FakeRegistry, refuse } from './fake-registry.ts';
import { MemoryBlobs } from './memory-blobs.ts';
import { openRegistryClient } from './open.ts';
import type { RegistryClient } from './registry-client.ts';

const log = createLog('fatal');
const platform = { os: 'linux', architecture: 'amd64' };
const layers = [Buffer.alloc(70_000, 'a'), Buffer.alloc(150_000, 'b'), Buffer.alloc(10, 'c')];

function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const patient = (): RegistryClient =>
  openRegistryClient(
    {
      ...defaultRegistryConfig,
      certificateFolders: [],
      backoffMs: 1,
      maxBackoffMs: 2,
      maxAttempts: 12,
      stallMs: 40,
      commitMs: 40,
      connectMs: 500,
      uploadChunkBytes: 20_000,
      maxRetryAfterMs: 2000,
    },
    log,
  );

/** What a bad day makes of one exchange; false: a good one. */
type Trouble = (exchange: Exchange, random: (below: number) => number) => boolean | Promise<boolean>;

const troubles: readonly Trouble[] = [
  ({ request, response }) => {
    request.destroy();
    response.destroy();
    return true;
  },
  ({ response }) => {
    refuse(response, 503, 'UNAVAILABLE', 'later', { 'Retry-After': '0' });
    return true;
  },
  ({ response }) => {
    answer(response, 502, { 'Content-Type': 'text/html' }, '<html>');
    return true;
  },
  // Silence, which ends with the connection.
  () => true,
  ({ response }, random) => {
    // The head, a part of a body, and the end.
    response.writeHead(200, { 'Content-Length': 1000 + random(200_000) });
    response.write(Buffer.alloc(random(900)), () => response.destroy());
    return true;
  },
  ({ request, response, url }) => {
    if (request.headers.range === undefined || !url.pathname.includes('/blobs/')) return false;
    answer(response, 206, { 'Content-Range': 'bytes 0-9/10' }, Buffer.alloc(10));
    return true;
  },
  async ({ response }) => {
    await new Promise((resolve) => setTimeout(resolve, 3));
    response.setHeader('Connection', 'close');
    return false;
  },
];

/** One in four exchanges goes wrong, in a way the seed decides. */
function trouble(registry: FakeRegistry, seed: number): void {
  const random = generator(seed);
  registry.intercept((exchange) => random(4) === 0 && troubles[random(troubles.length)]!(exchange, random));
}

test('whatever happens on the way, a pull ends with the right bytes or with a reason', async () => {
  let succeeded = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    await using registry = await FakeRegistry.start();
    await using client = patient();
    const image = addImage(registry, 'img', '1', layers);
    trouble(registry, seed * 7919);
    const blobs = new MemoryBlobs();
    try {
      await client.pull(parseReference(`${registry.host}/img:1`), blobs, { lease: blobs.lease, platform });
      succeeded += 1;
      assert.deepEqual(blobs.digests().sort(), [...registry.blobs.keys(), image.digest].sort());
    } catch (error) {
      assert.ok(error instanceof SkiffError, `seed ${seed}: ${String(error)}`);
      assert.match(error.code, /^(?:registry|oci)\./, `seed ${seed}: ${error.message}`);
      assert.equal(blobs.stat(image.digest), undefined, 'no manifest without its layers');
    }
  }
  assert.ok(succeeded >= 6, `${succeeded} of 12 pulls came through`);
});

test('whatever happens on the way, a push leaves what it says it has, and no name before its parts', async () => {
  let succeeded = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    await using registry = await FakeRegistry.start();
    await using client = patient();
    const blobs = new MemoryBlobs();
    const blob = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: blobs.add(bytes), size: bytes.length });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const document = {
      schemaVersion: 2,
      mediaType,
      config: blob(Buffer.from('{"architecture":"amd64","os":"linux"}'), 'application/vnd.oci.image.config.v1+json'),
      layers: layers.map((bytes) => blob(bytes, 'application/vnd.oci.image.layer.v1.tar')),
    };
    const root = blob(Buffer.from(JSON.stringify(document)), mediaType);
    trouble(registry, seed * 104_729);
    try {
      await client.push(parseReference(`${registry.host}/img:1`), root, blobs);
      succeeded += 1;
      assert.equal(digestOf(registry.manifests.get('img 1')!.bytes), root.digest);
    } catch (error) {
      assert.ok(error instanceof SkiffError, `seed ${seed}: ${String(error)}`);
    }
    if (registry.manifests.size > 0) {
      for (const { digest } of [document.config, ...document.layers]) assert.ok(registry.blobs.has(digest), digest);
    }
    for (const [digest, bytes] of registry.blobs) assert.equal(digestOf(bytes), digest);
  }
  assert.ok(succeeded >= 6, `${succeeded} of 12 pushes came through`);
});
