import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, digestOf } from '#base';
import { parseReference } from '../reference.ts';
import { defaultRegistryConfig, type RegistryConfig } from './config.ts';
import { addImage, answer, FakeRegistry, refuse } from './fake-registry.ts';
import { MemoryBlobs } from './memory-blobs.ts';
import { openRegistryClient } from './open.ts';
import type { PullOptions, PullProgress, RegistryClient } from './registry-client.ts';

const log = createLog('fatal');
const platform = { os: 'linux', architecture: 'amd64' };
const layerA = Buffer.alloc(300_000, 'a');
const layerB = Buffer.alloc(200_000, 'b');

function client(config: Partial<RegistryConfig> = {}): RegistryClient {
  const quick = { backoffMs: 2, maxBackoffMs: 4, stallMs: 2000, maxRetryAfterMs: 5000 };
  return openRegistryClient({ ...defaultRegistryConfig, certificateFolders: [], ...quick, ...config }, log);
}

interface Pulled {
  readonly blobs: MemoryBlobs;
  readonly told: PullProgress[];
}

async function pull(
  from: RegistryClient,
  name: string,
  options: Partial<PullOptions> = {},
  blobs = new MemoryBlobs(),
): Promise<Pulled> {
  const told: PullProgress[] = [];
  await from.pull(parseReference(name), blobs, {
    lease: blobs.lease,
    platform,
    onProgress: (progress) => told.push(progress),
    ...options,
  });
  return { blobs, told };
}

test('pull() brings manifest, config and layers, holds them, and tells of each layer', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client();
  const image = addImage(registry, 'a/img', '1', [layerA, layerB, layerA]);
  const seen: string[] = [];
  const { blobs, told } = await pull(puller, `${registry.host}/a/img:1`, {
    onManifest: ({ root }) => seen.push(root.digest),
    onLayer: (_, index) => seen.push(`layer ${index}`),
  });
  assert.deepEqual([seen[0], ...seen.slice(1).sort()], [image.digest, 'layer 0', 'layer 1', 'layer 2']);
  assert.deepEqual(blobs.digests().sort(), [...registry.blobs.keys(), image.digest].sort());
  for (const digest of blobs.digests()) assert.ok(blobs.held.has(digest), digest);
  assert.equal(blobs.references.get(image.digest)?.length, 4);
  const kinds = (digest: string): string[] => [
    ...new Set(told.filter((each) => each.digest === digest).map(({ kind }) => kind)),
  ];
  assert.deepEqual(kinds(image.layers[0]!), ['pulling-fs-layer', 'downloading', 'verifying', 'download-complete']);
  assert.equal(registry.count(`GET /v2/a/img/blobs/${image.layers[0]}`), 1, 'the same layer twice is fetched once');

  registry.requests.length = 0;
  const again = await pull(puller, `${registry.host}/a/img:1`, {}, blobs);
  assert.deepEqual(registry.requests, ['HEAD /v2/a/img/manifests/1'], 'what is there is not asked for');
  assert.deepEqual([...new Set(again.told.map(({ kind }) => kind))], ['already-exists']);
});

test('pull() chooses from an index by platform, and says which it has none for', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client();
  const image = addImage(registry, 'img', 'part', [layerA]);
  const { bytes, type } = registry.manifests.get(`img ${image.digest}`)!;
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      manifests: [
        { mediaType: type, digest: digestOf('x'), size: 1, platform: { os: 'linux', architecture: 's390x' } },
        { mediaType: type, digest: image.digest, size: bytes.length, platform },
      ],
    }),
  );
  registry.manifests.set('img latest', { bytes: index, type: 'application/vnd.oci.image.index.v1+json' });
  registry.manifests.set(`img ${digestOf(index)}`, { bytes: index, type: 'application/vnd.oci.image.index.v1+json' });
  const { blobs } = await pull(puller, `${registry.host}/img`);
  assert.ok(blobs.stat(image.digest));
  assert.deepEqual(blobs.references.get(digestOf(index)), [digestOf('x'), image.digest]);
  await assert.rejects(
    pull(puller, `${registry.host}/img`, { platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }),
    {
      code: 'registry.noPlatform',
      message: 'no matching manifest for linux/arm64/v8 in the manifest list entries',
    },
  );
});

test("what a registry refuses is told in Docker's words", async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client({ maxAttempts: 2 });
  const check = async (name: string, message: RegExp | string, kind: string): Promise<void> => {
    await assert.rejects(pull(puller, `${registry.host}/${name}`), (error: Error & { kind: string }) => {
      if (typeof message === 'string') assert.equal(error.message, message.replaceAll('HOST', registry.host));
      else assert.match(error.message, message);
      assert.equal(error.kind, kind);
      return true;
    });
  };
  const statuses: Readonly<Record<string, [number, string, string]>> = {
    secret: [403, 'DENIED', 'requested access to the resource is denied'],
    noname: [404, 'NAME_UNKNOWN', 'repository name not known to registry'],
    toomany: [429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit.'],
    broken: [503, 'UNKNOWN', 'x'],
  };
  registry.intercept(({ response, url }) => {
    const found = statuses[url.pathname.split('/')[2] ?? ''];
    if (!found) return false;
    if (found[0] === 503) answer(response, 503, {}, 'down');
    else
      refuse(
        response,
        ...found,
        found[0] === 429 ? { 'RateLimit-Limit': '100;w=21600', 'RateLimit-Reset': '300' } : {},
      );
    return true;
  });
  await check('nothere', 'manifest for HOST/nothere:latest not found: manifest unknown: manifest unknown', 'not-found');
  await check(
    'secret',
    "pull access denied for HOST/secret, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'not-found',
  );
  await check(
    'noname',
    'repository HOST/noname not found: name unknown: repository name not known to registry',
    'not-found',
  );
  await check(
    'toomany',
    'toomanyrequests: You have reached your pull rate limit. (the limit is 100 requests in 6h; try again in 5m)',
    'unavailable',
  );
  assert.equal(registry.count('GET /v2/toomany'), 1, 'a limit that names no time is not run against');
  await check('broken', 'received unexpected HTTP status: 503 Service Unavailable', 'unavailable');
  const closed = registry.host;
  await registry[Symbol.asyncDispose]();
  await assert.rejects(pull(client(), `${closed}/x`), {
    code: 'registry.unreachable',
    message: `Get "http://${closed}/v2/": dial tcp ${closed}: connect: connection refused`,
  });
});

test('a download that breaks goes on where it ended, also in a later pull', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client({ maxAttempts: 2 });
  const image = addImage(registry, 'img', '1', [layerA]);
  let left = 2;
  registry.intercept(({ request, response, url }) => {
    if (!url.pathname.endsWith(image.layers[0]!) || request.headers.range !== undefined || left === 0) return false;
    left -= 1;
    response.writeHead(200, { 'Content-Length': layerA.length });
    response.write(layerA.subarray(0, 100_000), () => response.destroy());
    return true;
  });
  const { blobs, told } = await pull(puller, `${registry.host}/img:1`);
  assert.ok(blobs.stat(image.layers[0]!));
  assert.ok(
    told.some((each) => each.kind === 'retrying' && /EOF|reset|aborted/.test(each.reason)),
    JSON.stringify(told),
  );

  // Every try is cut before its first byte: given up, then taken up by another pull.
  const kept = new MemoryBlobs();
  const half = await kept.ingest(image.layers[0]!, {
    lease: kept.lease,
    digest: image.layers[0]!,
    sizeBytes: layerA.length,
  });
  await half.write(layerA.subarray(0, 250_000));
  await half[Symbol.asyncDispose]();
  const ranges: (string | undefined)[] = [];
  registry.intercept(({ request, url }) => {
    if (url.pathname.endsWith(image.layers[0]!)) ranges.push(request.headers.range);
    return false;
  });
  await pull(puller, `${registry.host}/img:1`, {}, kept);
  assert.deepEqual(ranges, ['bytes=250000-']);
});

test('a server that always breaks at the same place is given up, whether it can do ranges or not', async () => {
  for (const canRange of [true, false]) {
    await using registry = await FakeRegistry.start();
    await using puller = client({ maxAttempts: 3 });
    const image = addImage(registry, 'img', '1', [layerA]);
    registry.intercept(({ request, response, url }) => {
      if (!url.pathname.endsWith(image.layers[0]!)) return false;
      const start = canRange ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
      const range = `bytes ${start}-${layerA.length - 1}/${layerA.length}`;
      const headers = start > 0 ? { 'Content-Range': range } : {};
      response.writeHead(start > 0 ? 206 : 200, { ...headers, 'Content-Length': layerA.length - start });
      response.write(layerA.subarray(start, 100_000), () => response.destroy());
      return true;
    });
    await assert.rejects(pull(puller, `${registry.host}/img:1`), { kind: 'unavailable' });
    const tries = registry.count(`GET /v2/img/blobs/${image.layers[0]}`);
    assert.ok(tries >= 3 && tries <= 5, `${tries} tries, with ranges: ${canRange}`);
  }
});

test('a server that cannot do ranges, or answers them wrongly, makes the download start over', async () => {
  const check = async (headers: Record<string, string>, status: number, from: number): Promise<void> => {
    await using registry = await FakeRegistry.start();
    await using puller = client();
    const image = addImage(registry, 'img', '1', [layerA]);
    const blobs = new MemoryBlobs();
    const half = await blobs.ingest(image.layers[0]!, {
      lease: blobs.lease,
      digest: image.layers[0]!,
      sizeBytes: layerA.length,
    });
    await half.write(layerA.subarray(0, 100));
    await half[Symbol.asyncDispose]();
    registry.intercept(({ request, response, url }) => {
      if (!url.pathname.endsWith(image.layers[0]!) || request.headers.range === undefined) return false;
      answer(response, status, headers, layerA.subarray(from));
      return true;
    });
    await pull(puller, `${registry.host}/img:1`, {}, blobs);
    assert.ok(blobs.stat(image.layers[0]!), JSON.stringify({ headers, status }));
  };
  await check({}, 200, 0);
  await check({ 'Content-Range': 'bytes */5' }, 416, 0);
  await check({ 'Content-Range': 'bytes 0-299999/300000' }, 206, 0);
  await check({ 'Content-Range': 'bytes 100-299999/400000' }, 206, 100);
  await check({}, 206, 100);
});

test('bytes that are not those of the digest are refused, after one more try', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client();
  const image = addImage(registry, 'img', '1', [layerA]);
  registry.blobs.set(image.layers[0]!, Buffer.alloc(layerA.length, 'x'));
  const blobs = new MemoryBlobs();
  await assert.rejects(pull(puller, `${registry.host}/img:1`, {}, blobs), {
    message: `filesystem layer verification failed for digest ${image.layers[0]}`,
  });
  assert.equal(registry.count(`GET /v2/img/blobs/${image.layers[0]}`), 2);
  assert.equal(blobs.stat(image.digest), undefined, 'no manifest without its layers');
  registry.blobs.set(image.layers[0]!, Buffer.alloc(layerA.length + 1, 'a'));
  await assert.rejects(pull(puller, `${registry.host}/img:1`, {}, blobs), { code: 'registry.layerDamaged' });
  const { bytes, type } = registry.manifests.get(`img ${image.digest}`)!;
  registry.manifests.set(`img ${image.digest}`, { bytes: Buffer.concat([bytes, Buffer.from(' ')]), type });
  registry.intercept(({ request, response, url }) => {
    if (request.method !== 'HEAD' || !url.pathname.endsWith('/1')) return false;
    const headers = { 'Docker-Content-Digest': image.digest, 'Content-Type': type };
    answer(response, 200, headers, undefined, bytes.length);
    return true;
  });
  await assert.rejects(pull(puller, `${registry.host}/img:1`, {}, blobs), { code: 'registry.wrongDigest' });
});

test('two pulls of one layer fetch it once; when the first is aborted the second goes on', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client();
  const image = addImage(registry, 'img', '1', [layerA]);
  let finish = (): void => {};
  const hanging = new Promise<void>((resolve) => (finish = resolve));
  let served = 0;
  registry.intercept(({ request, response, url }) => {
    if (!url.pathname.endsWith(image.layers[0]!) || request.headers.range !== undefined) return false;
    served += 1;
    response.writeHead(200, { 'Content-Length': layerA.length });
    response.write(layerA.subarray(0, 1000));
    void hanging.then(() => response.end(layerA.subarray(1000)));
    return true;
  });
  const blobs = new MemoryBlobs();
  const abort = new AbortController();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const onProgress = ({ kind }: PullProgress): void => void (kind === 'downloading' && begin());
  const name = `${registry.host}/img:1`;
  const first = pull(puller, name, { onProgress, signal: abort.signal }, blobs);
  await begun;
  const second = pull(puller, name, {}, blobs);
  const third = pull(puller, name, {}, blobs);
  await new Promise((resolve) => setTimeout(resolve, 20));
  abort.abort(new Error('enough'));
  await assert.rejects(first, { message: 'enough' });
  await Promise.all([second, third]);
  finish();
  assert.equal(served, 1);
  assert.equal(registry.count(`GET /v2/img/blobs/${image.layers[0]}`), 2, 'the second went on with a range');
  assert.ok(blobs.stat(image.layers[0]!));
});

test('not more layers at a time than allowed; the others are told to wait', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client({ maxConcurrentDownloads: 2 });
  addImage(
    registry,
    'img',
    '1',
    Array.from({ length: 6 }, (_, at) => Buffer.alloc(1000, at)),
  );
  let open = 0;
  let most = 0;
  registry.intercept(async ({ request, url }) => {
    if (!url.pathname.includes('/blobs/') || request.method !== 'GET') return false;
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setTimeout(resolve, 10));
    open -= 1;
    return false;
  });
  const { told } = await pull(puller, `${registry.host}/img:1`);
  assert.ok(most <= 3, `two layers and the config, not ${most}`);
  assert.equal(told.filter(({ kind }) => kind === 'waiting').length, 4);
});

test('a connection on which nothing comes is given up and tried again', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client({ stallMs: 60 });
  const image = addImage(registry, 'img', '1', [layerA]);
  let left = 1;
  registry.intercept(({ response, url }) => {
    if (!url.pathname.endsWith(image.layers[0]!) || left === 0) return false;
    left -= 1;
    response.writeHead(200, { 'Content-Length': layerA.length });
    response.write(layerA.subarray(0, 1000));
    return true;
  });
  const { told } = await pull(puller, `${registry.host}/img:1`);
  assert.ok(told.some((each) => each.kind === 'retrying' && /nothing came for/.test(each.reason)));
});

test('mirrors are asked first and passed over when they fail, whatever way', async () => {
  await using mirror = await FakeRegistry.start();
  await using registry = await FakeRegistry.start();
  const image = addImage(registry, 'img', '1', [layerA, layerB]);
  const check = async (how: string, fromMirror: boolean): Promise<void> => {
    await using puller = client({ mirrors: { [registry.host]: ['http://127.0.0.1:1', `http://${mirror.host}/sub`] } });
    registry.requests.length = 0;
    const { blobs } = await pull(puller, `${registry.host}/img:1`);
    assert.ok(blobs.stat(image.digest), how);
    assert.equal(registry.count('GET /v2/img/blobs') === 0, fromMirror, how);
  };
  await check('an empty mirror', false);
  let hasCredentials = false;
  mirror.intercept(({ request, response, url }) => {
    hasCredentials ||= request.headers.authorization !== undefined;
    if (!url.pathname.startsWith('/sub/v2/')) return false;
    if (url.pathname === '/sub/v2/') answer(response, 200, {}, '');
    else if (url.searchParams.get('ns') !== registry.host) refuse(response, 400, 'UNKNOWN', 'no ns');
    else {
      response.writeHead(307, { Location: `http://${registry.host}${url.pathname.slice(4)}?mirrored` });
      response.end();
    }
    return true;
  });
  await using puller = client({ mirrors: { [registry.host]: [`http://${mirror.host}/sub/`] } });
  registry.requests.length = 0;
  await pull(puller, `${registry.host}/img:1`, { auth: { username: 'ann', password: 'secret' } });
  assert.equal(
    registry.count('GET /v2/img/blobs'),
    registry.requests.filter((each) => /blobs.*mirrored/.test(each)).length,
  );
  assert.equal(hasCredentials, false);
  // A mirror that lies is found out by the digest, and the registry asked.
  mirror.intercept(({ response, url }) => {
    if (!url.pathname.includes(image.layers[0]!)) return false;
    answer(response, 200, {}, Buffer.alloc(layerA.length, 'x'));
    return true;
  });
  const { blobs } = await pull(puller, `${registry.host}/img:1`);
  assert.ok(blobs.stat(image.layers[0]!));
});

test('pull() by digest, and an artifact that is no image', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client();
  const image = addImage(registry, 'img', '1', [layerA]);
  const { blobs } = await pull(puller, `${registry.host}/img@${image.digest}`);
  assert.ok(blobs.stat(image.digest));
  const odd = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: digestOf(''), size: 0 },
      layers: [],
    }),
  );
  const type = 'application/vnd.oci.image.manifest.v1+json';
  for (const name of ['latest', digestOf(odd)]) registry.manifests.set(`chart ${name}`, { bytes: odd, type });
  await assert.rejects(pull(puller, `${registry.host}/chart`), { code: 'registry.notAnImage' });
  await assert.rejects(pull(puller, `${registry.host}/img@sha384:${'0a'.repeat(48)}`), {
    code: 'registry.unsupportedDigest',
  });
});

test('a foreign layer comes from its URLs, without credentials, and from the registry when they fail', async () => {
  await using registry = await FakeRegistry.start();
  await using elsewhere = await FakeRegistry.start();
  await using puller = client();
  const foreign = Buffer.from('foreign layer');
  const digest = digestOf(foreign);
  const addForeign = (name: string, urls: readonly string[]): void => {
    const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
    registry.blobs.set(digestOf(config), config);
    const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const type = 'application/vnd.docker.distribution.manifest.v2+json';
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        config: {
          mediaType: 'application/vnd.docker.container.image.v1+json',
          digest: digestOf(config),
          size: config.length,
        },
        layers: [{ mediaType, digest, size: foreign.length, urls }],
      }),
    );
    for (const key of ['latest', digestOf(bytes)]) registry.manifests.set(`${name} ${key}`, { bytes, type });
  };
  const asked: (string | undefined)[] = [];
  elsewhere.intercept(({ request, response, url }) => {
    if (url.pathname !== '/layer') return false;
    asked.push(request.headers.authorization);
    answer(response, 200, {}, foreign);
    return true;
  });
  addForeign('one', ['file:///etc/passwd', 'nonsense', 'http://127.0.0.1:1/', `http://${elsewhere.host}/layer`]);
  const { blobs } = await pull(puller, `${registry.host}/one`, { auth: { username: 'ann', password: 'x' } });
  assert.ok(blobs.stat(digest));
  assert.deepEqual(asked, [undefined]);
  registry.blobs.set(digest, foreign);
  addForeign('two', [`http://${elsewhere.host}/gone`]);
  assert.ok((await pull(puller, `${registry.host}/two`)).blobs.stat(digest));
});
