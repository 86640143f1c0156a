import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { digestOf } from '#base';
import { checkContent } from '#images';
import { mediaTypes } from '#specs';
import { TestRegistry } from './server-fixture.ts';

const TURNS = 1500;

/** The same numbers each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('whatever is asked for, the registry answers and fails at nothing', async () => {
  await using world = await TestRegistry.start();
  const manifest = await world.pushImage('a', 'latest', ['layer']);
  const random = numbers(7);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const digests = [
    manifest,
    digestOf('layer'),
    digestOf('none'),
    'sha256:',
    'sha512:00',
    'md5:12',
    'a:b:c',
    '%00',
    ':',
  ];
  const names = [
    'a',
    'a/b',
    'A',
    '..',
    'a/',
    '',
    '_',
    'uploads',
    'blobs/uploads',
    'ä',
    '%2f',
    'a%2fb',
    'x'.repeat(300),
  ];
  const things = ['blobs', 'blobs/uploads', 'manifests', 'referrers', 'tags', 'tags/list', '_catalog', ''];
  const queries = [
    '',
    '?n=1',
    '?n=-1',
    '?n=1e9',
    '?last=%00',
    '?digest=',
    `?digest=${manifest}`,
    '?mount=x&from=..',
    '?tag=',
    '?a',
  ];
  const bodies = [
    '',
    '{',
    '[]',
    '{"schemaVersion":2}',
    '{"schemaVersion":2,"config":{},"layers":[]}',
    'x'.repeat(5000),
  ];
  const headers = [
    'Range: bytes=5-2',
    'Range: bytes=-1',
    'Content-Range: 9-1',
    'Content-Range: 0-0',
    'If-None-Match: *',
  ];
  const types = [mediaTypes.ociManifest, mediaTypes.ociIndex, 'text/plain', ';', ''];
  const methods = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'];
  const statuses = new Set<number>();
  for (let turn = 0; turn < TURNS; turn++) {
    const method = pick(methods);
    const reference = pick([...digests, 'latest', 'none', '.', 'x'.repeat(200)]);
    const path = `/v2/${pick(names)}/${pick(things)}/${pick(['', reference])}${pick(queries)}`;
    const body = method === 'GET' || method === 'HEAD' ? '' : pick(bodies);
    const head = [`${method} ${encodeURI(decodeSafely(path))} HTTP/1.1`, 'Host: x', 'Connection: close', pick(headers)];
    head.push(`Content-Type: ${pick(types)}`, `Content-Length: ${body.length}`);
    const answer = await exchange(world.port, `${head.join('\r\n')}\r\n\r\n${body}`);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
    assert.ok(status < 500, `${method} ${path}: ${answer.slice(0, 300)}`);
    statuses.add(status);
  }
  for (const status of [200, 400, 404, 405]) assert.ok(statuses.has(status), `${status} is among the answers`);
  assert.deepEqual(await checkContent(world.store, { deep: true }), []);
});

/** Names as they are, for those that are encoded already. */
function decodeSafely(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.once('close', () => resolve(answer)).once('error', reject);
    socket.write(request);
  });
}
