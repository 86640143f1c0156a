import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Duplex, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { localDoor } from './local-door.ts';
import type { Handler } from './router.ts';

const doorOf = (handle: Handler) => localDoor({ handle, headers: { Server: 'Test' } });
const get = { method: 'GET', target: '/things?a=1', headers: {} };

test('a request as a handler sees it, and the answer as a client does', async () => {
  const door = doorOf(async ({ request, response, query, url }) => {
    const sent = await text(request);
    const seen = [
      request.method,
      url.pathname,
      query.get('a'),
      request.headers['x-list'],
      request.headersDistinct['x-list'],
    ];
    response.setHeader('X-Kept', 'no');
    response.removeHeader('x-kept');
    response
      .writeHead(201, { 'Content-Type': 'text/plain', 'X-Many': ['a', 'b'] })
      .end(JSON.stringify([sent, ...seen]));
    assert.ok(response.headersSent);
  });
  const call = { method: 'PUT', target: '/things?a=1', headers: { 'X-List': ['1', '2'], none: undefined } };
  const expected = (sent: string) => [sent, 'PUT', '/things', '1', '1, 2', ['1', '2']];
  const answer = await door({ ...call, body: 'all of it' });
  assert.equal(answer.statusCode, 201);
  assert.deepEqual(answer.headers, { server: 'Test', 'content-type': 'text/plain', 'x-many': 'a, b' });
  assert.deepEqual(JSON.parse(await text(answer)), expected('all of it'));
  assert.deepEqual(
    JSON.parse(await text(await door({ ...call, body: Readable.from(['in ', 'parts']) }))),
    expected('in parts'),
  );
});

test('the head comes before the body, and a body waits for who reads it', async () => {
  let written = 0;
  const door = doorOf(async ({ response }) => {
    response.flushHeaders();
    for (; written < 100; written++) {
      if (!response.write(Buffer.alloc(16 * 1024))) await once(response, 'drain');
    }
    response.end();
  });
  const answer = await door(get);
  assert.equal(answer.statusCode, 200);
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assert.ok(written < 10, `${written} pieces were written for nobody`);
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) size += chunk.length;
  assert.equal(size, 100 * 16 * 1024);
});

test('HEAD has no body', async () => {
  const door = doorOf(async ({ response }) => void response.writeHead(200, { 'Content-Length': 5 }).end('hello'));
  const answer = await door({ ...get, method: 'HEAD' });
  assert.equal(answer.headers['content-length'], '5');
  assert.equal(await text(answer), '');
});

test('a client that leaves is noticed: by its signal, and by an answer it destroys', async () => {
  for (const how of ['signal', 'answer'] as const) {
    const left = new AbortController();
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const door = doorOf(async ({ response, signal }) => {
      response.write('begun');
      signal.addEventListener('abort', () => resolve());
    });
    const answer = await door({ ...get, signal: left.signal });
    if (how === 'signal') left.abort(new Error('enough'));
    else answer.destroy();
    await gone;
    if (how === 'signal') await assert.rejects(text(answer), /enough/);
  }
});

test('one that has left before the answer began is told so', async () => {
  const left = new AbortController();
  const door = doorOf(async ({ response, signal }) => {
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    response.writeHead(200).end('too late');
  });
  const early = door({ ...get, signal: left.signal });
  left.abort(new Error('enough'));
  await assert.rejects(early, /enough/);
  await assert.rejects(door({ ...get, signal: left.signal }), /enough/);
});

test('an answer that breaks off is no whole one', async () => {
  const door = doorOf(async ({ response }) => {
    response.write('half');
    await nextTurn();
    response.destroy();
  });
  await assert.rejects(text(await door(get)), /aborted/);
});

test('a connection is turned over, both ways, half by half', async () => {
  const door = doorOf(async ({ hijack }) => {
    const stream = hijack('application/vnd.docker.raw-stream');
    stream.write('first ');
    stream.on('data', (chunk: Buffer) => void stream.write(`then ${chunk.toString()}`));
    stream.on('end', () => void stream.end(' and the end'));
  });
  const answer = await door({ ...get, method: 'POST', upgrade: 'tcp' });
  assert.deepEqual([answer.statusCode, answer.headers['content-type']], [101, 'application/vnd.docker.raw-stream']);
  const near = answer.upgraded!;
  near.end('input');
  assert.equal(await text(near), 'first then input and the end');
});

test('it ends with its client, whichever way that goes', async () => {
  const left = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Duplex>();
  const door = doorOf(async ({ hijack }) => resolve(hijack('')));
  const answer = await door({ ...get, method: 'POST', upgrade: 'tcp', signal: left.signal });
  assert.deepEqual(answer.headers['content-type'], undefined);
  const far = (await promise).resume();
  const over = once(far, 'close');
  left.abort(new Error('enough'));
  await over;
  assert.ok(answer.upgraded!.destroyed);
});

test('who does not ask for it gets the stream as a body', async () => {
  const door = doorOf(async ({ hijack }) => {
    const stream = hijack('text/plain');
    await pipeline(stream, stream);
  });
  const answer = await door({ ...get, method: 'POST', body: 'there and back' });
  assert.deepEqual([answer.statusCode, answer.headers['content-type']], [200, 'text/plain']);
  assert.equal(await text(answer), 'there and back');
});

test('a target that is no URL is answered', async () => {
  const door = doorOf(() => assert.fail('no route'));
  assert.equal((await door({ ...get, target: 'http://[' })).statusCode, 400);
});
