import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
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

test('xz and bzip2 go through their programs, in pieces of any size', { skip: !hasBoth() }, async () => {
  for (const program of ['xz', 'bzip2']) {
    const half = CONTENT.length >> 1;
    const packed = [CONTENT.subarray(0, half), CONTENT.subarray(half)].map((input) => execFileSync(program, { input }));
    const whole = Buffer.concat(packed);
    for (const size of [100, whole.length]) assert.ok((await read(pieces(whole, size))).equals(CONTENT), program);
    await assert.rejects(read(pieces(whole.subarray(0, -5), 1000)), { code: 'image.badCompression' }, program);
    const large = execFileSync(program, { input: Buffer.alloc(50_000_000) });
    let length = 0;
    for await (const chunk of archiveBytes(Readable.from([large]))) length += chunk.length;
    assert.equal(length, 50_000_000);
    // Who stops early leaves no program behind that waits for somebody to read.
    for await (const chunk of archiveBytes(Readable.from([large]))) {
      assert.ok(chunk.length > 0);
      break;
    }
  }
});

function hasBoth(): boolean {
  return ['xz', 'bzip2'].every((program) => spawnSync(program, ['--version'], { input: '' }).status === 0);
}

test('without the program the refusal names it and its package, and other compressions are named', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = '/nowhere';
  try {
    const head = Buffer.from('fd377a585a00', 'hex');
    await assert.rejects(read(Readable.from([head])), {
      code: 'image.noDecoder',
      message: /program xz is not on this host: .*apt-get install xz-utils/,
    });
  } finally {
    process.env['PATH'] = path;
  }
  await assert.rejects(read(Readable.from([Buffer.from('04224d18ffff', 'hex')])), {
    code: 'image.unknownCompression',
    message: /compressed with lz4/,
  });
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
