import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import { byteString, type ByteString } from './entry.ts';
import { encodePaxRecord } from './pax.ts';
import { TarReader } from './reader.ts';
import { encodeTarEntry, TAR_END, tarEntry, tarPadding } from './writer.ts';

/** Numbers that look random and are the same every time (xorshift32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const SPARSE_RECORDS = [
  encodePaxRecord('GNU.sparse.major', Buffer.from('1')),
  encodePaxRecord('GNU.sparse.minor', Buffer.from('0')),
  encodePaxRecord('GNU.sparse.realsize', Buffer.from('2000')),
  encodePaxRecord('mtime', Buffer.from('1.5')),
];

function samples(): Buffer[] {
  const records = Buffer.concat(SPARSE_RECORDS);
  const map = Buffer.alloc(512);
  map.write('2\n10\n3\n500\n2\n');
  const paxHeader = encodeTarEntry(tarEntry('pax', 'file', { size: records.length }));
  paxHeader[156] = 'x'.charCodeAt(0);
  const sparse = encodeTarEntry(tarEntry('sparse', 'file', { size: 517 }));
  const xattrs = new Map([['user.a' as ByteString, Buffer.from('value')]]);
  return [
    Buffer.concat([
      encodeTarEntry(tarEntry('dir/', 'directory', { mtimeNs: 7n, xattrs })),
      encodeTarEntry(tarEntry('dir/file', 'file', { size: 5 })),
      Buffer.from('hello'),
      tarPadding(5),
      encodeTarEntry(tarEntry('l'.repeat(300), 'symlink', { linkPath: byteString('t'.repeat(200)) })),
      TAR_END,
    ]),
    Buffer.concat([paxHeader, records, tarPadding(records.length), sparse, map, Buffer.from('abcde'), tarPadding(517)]),
  ];
}

/** Makes the checksum of the header right again, so that a mutation reaches what is behind it. */
function reseal(archive: Buffer, at: number): void {
  if (at + 512 > archive.length) return;
  const block = archive.subarray(at, at + 512);
  block.fill(' ', 148, 156);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
}

/** Reads in pieces and checks what every sink relies on: a file's content is exactly as long as its entry says. */
function read(archive: Buffer, pieceBytes: number): void {
  let left = 0;
  const take = (length: number): void => {
    assert.ok(length > 0 && length <= left, `${length} bytes of content where ${left} are left`);
    left -= length;
  };
  const reader = new TarReader({
    entry: ({ type, size, path }) => {
      assert.equal(left, 0);
      assert.ok(path.length > 0 && path.length <= 4096 && size >= 0);
      left = type === 'file' ? size : 0;
    },
    data: (bytes) => take(bytes.length),
    hole: take,
    end: () => assert.equal(left, 0),
  });
  for (let at = 0; at < archive.length; at += pieceBytes) reader.push(archive.subarray(at, at + pieceBytes));
  reader.end();
}

const TOKENS = ['\0', '\xff', '9', '-', '=', '\n', ' ', '8'.repeat(12), 'S', 'x', 'g', 'L', '\x80\0\0\0\0\0\0\0\x7f'];

test('a damaged archive is read or refused, never hangs, and gives no other error', () => {
  const until = performance.now() + 1500;
  let refused = 0;
  let accepted = 0;
  // A slow machine does at least the first ones.
  for (let seed = 1; seed <= 400 || (performance.now() < until && seed <= 30_000); seed += 1) {
    const random = generator(seed * 2_654_435_761);
    for (const sample of samples()) {
      const archive = Buffer.from(sample);
      for (let count = 1 + random(4); count > 0; count -= 1) {
        const at = random(archive.length);
        archive.write(TOKENS[random(TOKENS.length)]!, at, 'latin1');
        if (random(4) > 0) reseal(archive, at - (at % 512));
      }
      try {
        read(archive.subarray(0, random(8) === 0 ? random(archive.length) : archive.length), 1 + random(2000));
        accepted += 1;
      } catch (error) {
        assert.ok(error instanceof SkiffError && error.kind === 'invalid', `seed ${seed}: ${String(error)}`);
        refused += 1;
      }
    }
  }
  assert.ok(refused > 100 && accepted > 100, `${refused} refused, ${accepted} accepted`);
});
