import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readJson } from './body.ts';
import type { Incoming } from './exchange.ts';

function body(text: string, type?: string): Incoming {
  const headers = type === undefined ? {} : { 'content-type': type };
  return Object.assign(Readable.from(text === '' ? [] : [Buffer.from(text)]), { headers, headersDistinct: {} });
}

test('a body is JSON by its type and by what it is', async () => {
  assert.equal(await readJson(body('')), undefined);
  assert.equal(await readJson(body(' ', 'text/plain')), undefined);
  for (const type of ['application/json', 'Application/JSON; charset=utf-8']) {
    assert.deepEqual(await readJson(body('{"a":1}', type)), { a: 1 });
  }
  await assert.rejects(readJson(body('{}', 'text/plain')), {
    message: "unsupported Content-Type header (text/plain): must be 'application/json'",
  });
  await assert.rejects(readJson(body('{}')), {
    message: "malformed Content-Type header (): must be 'application/json'",
  });
  await assert.rejects(readJson(body('{', 'application/json')), { message: /^invalid JSON: / });
});
