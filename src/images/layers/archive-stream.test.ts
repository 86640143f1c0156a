import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { archiveBytes } from './archive-stream.ts';

const CONTENT = Buffer.concat(Array.from({ length: 400 }, (_, index) => Buffer.from(`line ${index * 7919}\n`)));

function pieces(data: Buffer, size: number): Readable {
  const all: Buffer[] = [];
  for (let at = 0; at < data.length; at += size) all.push(data.subarray(at, at + size));
  return Readable.from(all);
}

async function read(source: Readable): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(archiveBytes(source)));
}

test('archives come plain, with gzip or with zstd, in pieces of any size and in several members', async () => {
  const half = CONTENT.length >> 1;
  const halves = [CONTENT.subarray(0, half), CONTENT.subarray(half)] as const;
  const forms: Record<string, Buffer> = {
    plain: CONTENT,
    gzip: gzipSync(CONTENT),
    zstd: zstdCompressSync(CONTENT),
    'two gzip members': Buffer.concat(halves.map((part) => gzipSync(part))),
    'two zstd frames': Buffer.concat(halves.map((part) => zstdCompressSync(part))),
  };
  for (const [name, data] of Object.entries(forms)) {
    for (const size of [1, 100, data.length]) {
      assert.ok((await read(pieces(data, size))).equals(CONTENT), `${name} by ${size}`);
    }
  }
});

test('an empty or very short source gives what it has', async () => {
  assert.equal((await read(Readable.from([]))).length, 0);
  assert.equal((await read(Readable.from([Buffer.from('ab')]))).toString(), 'ab');
});

test('a damaged or cut stream is refused, never taken for a short one', async () => {
  const gzip = gzipSync(CONTENT);
  const zstd = zstdCompressSync(CONTENT);
  const damaged = Buffer.from(gzip);
  damaged.fill(0xff, gzip.length >> 1, (gzip.length >> 1) + 20);
  for (const data of [gzip.subarray(0, -1), gzip.subarray(0, 100), zstd.subarray(0, -1), damaged]) {
    for (const size of [7, data.length]) {
      await assert.rejects(read(pieces(data, size)), { code: 'image.badCompression' });
    }
  }
});

test('other compressions are named', async () => {
  for (const [format, head] of [
    ['xz', 'fd377a585a00'],
    ['bzip2', '425a6839314159'],
  ]) {
    await assert.rejects(read(Readable.from([Buffer.from(head!, 'hex')])), {
      code: 'image.unknownCompression',
      message: new RegExp(`compressed with ${format}`),
    });
  }
});

test('a failing source fails the reading with its own error', async () => {
  for (const head of [CONTENT, gzipSync(CONTENT).subarray(0, 200)]) {
    const failing = new Readable({ read() {} });
    failing.push(head);
    setImmediate(() => failing.destroy(new Error('connection lost')));
    await assert.rejects(read(failing), /connection lost/);
  }
});

test('a source that is not read to its end stays usable', async () => {
  for (const data of [CONTENT, gzipSync(CONTENT)]) {
    const source = new Readable({ read() {} });
    source.push(data);
    for await (const chunk of archiveBytes(source)) {
      assert.ok(chunk.length > 0);
      break;
    }
    source.push(data);
    source.push(null);
    await new Promise(setImmediate);
    assert.equal(source.errored, null);
    assert.equal(source.listenerCount('readable'), 0);
    assert.ok((await Array.fromAsync(source)).length <= 1);
  }
});
