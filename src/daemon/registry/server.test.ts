import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type Digest, digestOf } from '#base';
import { checkContent } from '#images';
import { mediaTypes } from '#specs';
import { codeOf, TestRegistry } from './server-fixture.ts';

const DAY_MS = 24 * 3_600_000;

async function begin(world: TestRegistry, name: string): Promise<string> {
  const { status, headers } = await world.call('POST', `/v2/${name}/blobs/uploads/`);
  assert.equal(status, 202);
  return headers.get('location')!;
}

const withDigest = (location: string, digest: string): string =>
  `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`;

test('an upload goes on after the end of the server, at the byte it had come to', async () => {
  await using world = await TestRegistry.start();
  const bytes = randomBytes(1_500_000);
  const location = await begin(world, 'a/b');
  const first = await world.call('PATCH', location, bytes.subarray(0, 700_000), { 'Content-Range': '0-699999' });
  assert.equal(first.headers.get('range'), '0-699999');
  await world.close();
  await world.open();
  const { status, headers } = await world.call('GET', location);
  assert.deepEqual([status, headers.get('range')], [204, '0-699999']);
  const wrong = await world.call('PATCH', location, bytes.subarray(0, 10), { 'Content-Range': '0-9' });
  assert.deepEqual([wrong.status, codeOf(wrong), wrong.headers.get('range')], [416, 'BLOB_UPLOAD_INVALID', '0-699999']);
  const range = { 'Content-Range': `700000-${bytes.length - 1}` };
  const last = await world.call('PUT', withDigest(location, digestOf(bytes)), bytes.subarray(700_000), range);
  assert.equal(last.status, 201);
  const blob = await world.call('GET', last.headers.get('location')!);
  assert.ok(blob.bytes.equals(bytes));
  assert.equal((await world.call('GET', location)).status, 404);
  assert.deepEqual(world.store.ingests(), []);
});

test('a second request takes an upload over from one whose client is gone', async () => {
  await using world = await TestRegistry.start();
  const location = await begin(world, 'a');
  const path = new URL(location, world.base).pathname;
  const stuck = connect(world.port, '127.0.0.1');
  stuck.on('error', () => {});
  stuck.write(`PATCH ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc`);
  const held = async (): Promise<string | null> => (await world.call('GET', location)).headers.get('range');
  while ((await held()) !== '0-2') await new Promise((resolve) => setTimeout(resolve, 5));
  const { status, headers } = await world.call('PATCH', location, 'defg');
  assert.equal(status, 202);
  assert.equal(headers.get('range'), '0-6', 'what came first is kept');
  const done = await world.call('PUT', withDigest(location, digestOf('abcdefg')));
  assert.equal(done.status, 201);
  stuck.destroy();
});

test('uploads end with what is wrong, and leave nothing', async () => {
  await using world = await TestRegistry.start();
  const check = async (query: string, body: string, status: number, code: string): Promise<void> => {
    const answer = await world.call('POST', `/v2/a/blobs/uploads/?${query}`, body);
    assert.deepEqual([answer.status, codeOf(answer)], [status, code], query);
  };
  await check(`digest=${digestOf('other')}`, 'bytes', 400, 'DIGEST_INVALID');
  await check('digest=md5:00', '', 400, 'DIGEST_INVALID');
  await check('digest-algorithm=md5', '', 400, 'DIGEST_INVALID');
  await check(`mount=${digestOf('x')}&from=A`, '', 400, 'NAME_INVALID');
  assert.deepEqual(world.store.ingests(), []);
  const location = await begin(world, 'a');
  assert.equal((await world.call('PUT', location)).status, 400, 'without a digest');
  const elsewhere = location.replace('/a/', '/b/');
  assert.equal((await world.call('PATCH', elsewhere, 'x')).status, 404, 'of another repository');
  const odd = await world.call('PATCH', location, 'x', { 'Content-Range': 'bytes 0-0/1' });
  assert.equal(codeOf(odd), 'BLOB_UPLOAD_INVALID');
  assert.equal((await world.call('DELETE', location)).status, 204);
  assert.equal((await world.call('DELETE', location)).status, 404);
});

test('an upload takes the digest of another algorithm than it began with', async () => {
  await using world = await TestRegistry.start();
  const location = await begin(world, 'a');
  const digest = digestOf('abc', 'sha512');
  assert.equal((await world.call('PUT', withDigest(location, digest), 'abc')).status, 201);
  assert.equal((await world.call('GET', `/v2/a/blobs/${digest}`)).bytes.toString(), 'abc');
});

test('a manifest needs what it refers to, in its repository and of the right size', async () => {
  await using world = await TestRegistry.start();
  const digest = await world.pushBlob('other', '{}');
  const manifest = (size: number): string =>
    JSON.stringify({ schemaVersion: 2, config: { mediaType: mediaTypes.ociConfig, digest, size }, layers: [] });
  const check = async (text: string, status: number, code: string, type?: string): Promise<void> => {
    const answer = await world.putManifest('a', 'latest', text, type);
    assert.deepEqual([answer.status, codeOf(answer)], [status, code], text.slice(0, 100));
  };
  await check(manifest(2), 404, 'MANIFEST_BLOB_UNKNOWN');
  assert.equal((await world.call('POST', `/v2/a/blobs/uploads/?mount=${digest}&from=other`)).status, 201);
  await check(manifest(3), 400, 'SIZE_INVALID');
  assert.equal((await world.putManifest('a', 'latest', manifest(2))).status, 201);
  await check('{', 400, 'MANIFEST_INVALID');
  await check('{"schemaVersion":1}', 400, 'MANIFEST_INVALID');
  await check('{}', 400, 'MANIFEST_INVALID', 'text/plain');
  await check(`{"schemaVersion":2,"x":"${'x'.repeat(4 * 1024 * 1024)}"}`, 413, 'MANIFEST_INVALID');
  const other = await world.putManifest('a', digestOf('other'), manifest(2));
  assert.equal(codeOf(other), 'DIGEST_INVALID');
  const two = await world.call('PUT', '/v2/a/manifests/one?tag=two', manifest(2));
  assert.equal(codeOf(two), 'MANIFEST_INVALID');
  const list = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [{ mediaType: mediaTypes.ociManifest, digest: digestOf('absent'), size: 5 }],
  });
  await check(list, 404, 'MANIFEST_BLOB_UNKNOWN', mediaTypes.ociIndex);
  await world.close();
  await world.open({ settings: { sparse: 'indexes' } });
  assert.equal((await world.putManifest('a', 'sparse', list, mediaTypes.ociIndex)).status, 201);
});

test('who has it already is told so, and gets parts', async () => {
  await using world = await TestRegistry.start();
  const manifest = await world.pushImage('a', 'latest', ['0123456789']);
  const blob = `/v2/a/blobs/${digestOf('0123456789')}`;
  const get = async (path: string, headers: Record<string, string>): Promise<[number, string]> => {
    const { status, bytes } = await world.call('GET', path, undefined, headers);
    return [status, bytes.toString()];
  };
  assert.deepEqual(await get('/v2/a/manifests/latest', { 'If-None-Match': `"${manifest}"` }), [304, '']);
  assert.deepEqual(await get(blob, { 'If-None-Match': `W/"x", "${digestOf('0123456789')}"` }), [304, '']);
  assert.deepEqual(await get(blob, { Range: 'bytes=2-4' }), [206, '234']);
  assert.deepEqual(await get(blob, { Range: 'bytes=2-4', 'If-Range': '"other"' }), [200, '0123456789']);
  const beyond = await world.call('GET', blob, undefined, { Range: 'bytes=10-' });
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */10']);
  assert.deepEqual(await get('/v2/a/blobs/sha256:12', {}).then(([status]) => status), 400);
});

test('lists come in pages', async () => {
  await using world = await TestRegistry.start();
  for (const tag of ['c', 'a', 'b']) await world.pushImage('one', tag, ['x']);
  await world.pushImage('two', 'a', ['x']);
  const get = async (path: string): Promise<[unknown, string | undefined]> => {
    const { bytes, headers } = await world.call('GET', path);
    return [JSON.parse(bytes.toString()), /<(.+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1]];
  };
  const [first, next] = await get('/v2/one/tags/list?n=2');
  assert.deepEqual(first, { name: 'one', tags: ['a', 'b'] });
  assert.deepEqual(await get(next!), [{ name: 'one', tags: ['c'] }, undefined]);
  const [names, more] = await get('/v2/_catalog?n=1');
  assert.deepEqual(names, { repositories: ['one'] });
  assert.deepEqual(await get(more!), [{ repositories: ['two'] }, undefined]);
  assert.equal((await world.call('GET', '/v2/none/tags/list')).status, 404);
});

test('many referrers come in pages that keep the filter', async () => {
  await using world = await TestRegistry.start();
  const digest = await world.pushImage('a', 'latest', ['x']);
  const subject = { mediaType: mediaTypes.ociManifest, digest, size: 1 };
  const pushed: Digest[] = [];
  for (let each = 0; each < 205; each++) {
    const artifactType = each < 3 ? 'application/odd' : 'application/even';
    pushed.push(await world.pushImage('a', '', [], { subject, artifactType, annotations: { each: String(each) } }));
  }
  const seen: string[] = [];
  let pages = 0;
  for (let path: string | undefined = `/v2/a/referrers/${digest}?artifactType=application/even`; path; pages++) {
    const { bytes, headers } = await world.call('GET', path);
    assert.equal(headers.get('oci-filters-applied'), 'artifactType');
    seen.push(
      ...(JSON.parse(bytes.toString()) as { manifests: { digest: string }[] }).manifests.map((one) => one.digest),
    );
    path = /<(.+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
  }
  assert.deepEqual(seen.sort(), pushed.slice(3).sort());
  assert.equal(pages, 2);
});

test('garbage goes after its time, and nothing that is wanted', async () => {
  await using world = await TestRegistry.start({ removeUntagged: true });
  const old = await world.pushImage('a', 'latest', ['old layer', 'shared']);
  const image = await world.pushImage('a', 'latest', ['new layer', 'shared']);
  const signature = await world.pushImage('a', '', ['signed'], {
    subject: { mediaType: mediaTypes.ociManifest, digest: image, size: 1 },
  });
  const loose = await world.pushBlob('a', 'loose');
  const [empty, begun] = [await begin(world, 'a'), await begin(world, 'a')];
  await world.call('PATCH', begun, 'some');
  await world.registry.collect();
  assert.ok(world.store.stat(loose) && world.store.stat(old), 'the manifest may still come');
  world.laterMs = DAY_MS + 1;
  const fresh = await world.pushBlob('a', 'fresh');
  await world.registry.collect();
  const isThere = (digest: Digest): boolean => world.store.stat(digest) !== undefined;
  assert.deepEqual([old, loose, digestOf('old layer')].filter(isThere), []);
  const kept = [image, signature, fresh, ...['{}', 'new layer', 'shared', 'signed'].map((text) => digestOf(text))];
  assert.deepEqual(
    kept.filter((digest) => !isThere(digest)),
    [],
  );
  assert.equal((await world.call('GET', `/v2/a/manifests/${old}`)).status, 404);
  assert.equal((await world.call('GET', empty)).status, 404, 'an upload that never began');
  assert.equal((await world.call('GET', begun)).status, 204);
  await world.call('DELETE', `/v2/a/manifests/${image}`);
  world.laterMs = 8 * DAY_MS;
  await world.registry.collect();
  assert.deepEqual(world.store.list(), []);
  assert.deepEqual(world.store.ingests(), []);
  assert.equal((await world.call('GET', '/v2/a/tags/list')).status, 404);
});

test('collecting beside pushes loses nothing', async () => {
  await using world = await TestRegistry.start({ graceMs: 0, removeUntagged: true });
  let isOver = false;
  const collecting = (async () => {
    for (; !isOver; await new Promise(setImmediate)) await world.registry.collect();
  })();
  const location = await begin(world, 'a');
  const bytes = randomBytes(900_000);
  for (let at = 0; at < bytes.length; at += 300_000)
    await world.call('PATCH', location, bytes.subarray(at, at + 300_000));
  const done = await world.call('PUT', withDigest(location, digestOf(bytes)));
  assert.equal(done.status, 201, done.bytes.toString());
  isOver = true;
  await collecting;
  await world.pushImage('a', 'latest', ['x']);
  await world.registry.collect();
  assert.deepEqual(await checkContent(world.store, { deep: true }), []);
  assert.equal((await world.call('GET', '/v2/a/manifests/latest')).status, 200);
});

test('what may not be pushed or deleted is refused before its body comes', async () => {
  await using world = await TestRegistry.start();
  const digest = await world.pushImage('a', 'latest', ['x']);
  const check = async (method: string, path: string, code: string, status: number): Promise<void> => {
    const answer = await world.call(method, path, method === 'DELETE' ? undefined : 'x');
    assert.deepEqual([answer.status, codeOf(answer)], [status, code], `${method} ${path}`);
  };
  await world.close();
  await world.open({ settings: { readOnly: true } });
  await check('POST', '/v2/a/blobs/uploads/', 'UNSUPPORTED', 405);
  await check('PUT', '/v2/a/manifests/latest', 'UNSUPPORTED', 405);
  await check('DELETE', `/v2/a/manifests/${digest}`, 'UNSUPPORTED', 405);
  await world.close();
  await world.open({ settings: { allowDelete: false } });
  await check('DELETE', `/v2/a/manifests/${digest}`, 'UNSUPPORTED', 405);
  await check('DELETE', `/v2/a/blobs/${digestOf('x')}`, 'UNSUPPORTED', 405);
  await check('POST', '/v2/', 'UNSUPPORTED', 405);
  await check('PUT', '/v2/a/nothing', 'UNSUPPORTED', 404);
  await check('PUT', '/v2/A/manifests/latest', 'NAME_INVALID', 400);
  const said = await new Promise<string>((resolve) => {
    const socket = connect(world.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString())).once('close', () => resolve(text));
    socket.write(
      'PUT /v2/A/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n',
    );
  });
  assert.match(said, /^HTTP\/1\.1 400 /, 'the client is not told to go on');
  const silly = await new Promise<string>((resolve) => {
    const socket = connect(world.port, '127.0.0.1');
    socket.once('data', (chunk: Buffer) => (resolve(chunk.toString()), socket.destroy()));
    socket.write('GET //[ HTTP/1.1\r\nHost: x\r\n\r\n');
  });
  assert.match(silly, /^HTTP\/1\.1 (?:400|404) /);
});

test('addresses are signed where there is a secret, and begin as they are told to', async () => {
  const addresses = { kind: 'url', url: 'https://registry.example.com' } as const;
  await using world = await TestRegistry.start({ settings: { secret: 'hush', prefix: '/mine', addresses } });
  const { headers } = await world.call('POST', '/mine/v2/a/blobs/uploads/');
  const location = new URL(headers.get('location')!);
  assert.equal(location.origin, 'https://registry.example.com');
  assert.match(location.pathname, /^\/mine\/v2\/a\/blobs\/uploads\//);
  assert.equal((await world.call('GET', location.pathname)).status, 404);
  assert.equal((await world.call('GET', location.pathname + location.search)).status, 204);
  assert.equal((await world.call('GET', '/v2/')).status, 404);
});

test('only who proves to be somebody comes in', async () => {
  const verify = async (header: string | undefined): Promise<string | undefined> =>
    header === 'Basic YTpi' ? 'a' : undefined;
  await using world = await TestRegistry.start({ authentication: { realm: 'the "realm"', verify } });
  const refused = await world.call('GET', '/v2/');
  assert.deepEqual([refused.status, codeOf(refused)], [401, 'UNAUTHORIZED']);
  assert.equal(refused.headers.get('www-authenticate'), 'Basic realm="the \\"realm\\""');
  assert.equal((await world.call('GET', '/v2/', undefined, { Authorization: 'Basic YTpi' })).status, 200);
  assert.equal((await world.call('POST', '/v2/a/blobs/uploads/')).status, 401);
});
