import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import { type ByteString, byteString, type TarEntry } from './entry.ts';
import { FakeSink, readAll } from './fake-sink.ts';
import { encodeHeader, type HeaderFields } from './header.ts';
import { encodePaxRecord } from './pax.ts';
import { TarReader } from './reader.ts';
import { encodeTarEntry, TAR_END, tarEntry, tarPadding } from './writer.ts';

function file(path: string, content: string | Buffer, more: Partial<TarEntry> = {}): Buffer {
  const bytes = Buffer.from(content);
  const header = encodeTarEntry(tarEntry(path, 'file', { size: bytes.length, ...more }));
  return Buffer.concat([header, bytes, tarPadding(bytes.length)]);
}

/** A header of our own choice followed by data. */
function member(type: string, name: string, data: Buffer | string = '', more: Partial<HeaderFields> = {}): Buffer {
  const bytes = Buffer.from(data);
  const none = byteString('');
  const fields = {
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: bytes.length,
    mtime: 0,
    linkName: none,
    devMajor: 0,
    devMinor: 0,
  };
  const header = encodeHeader({ ...fields, prefix: none, type, name: byteString(name), ...more });
  return Buffer.concat([header, bytes, tarPadding(bytes.length)]);
}

function pax(records: Record<string, string> | [string, string][], type = 'x'): Buffer {
  const pairs = Array.isArray(records) ? records : Object.entries(records);
  return member(type, 'pax', Buffer.concat(pairs.map(([key, value]) => encodePaxRecord(key, Buffer.from(value)))));
}

const archive = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, TAR_END]);
const only = (...parts: Buffer[]) => readAll(archive(...parts))[0]!;

test('the reader finds the same in pieces of any size', () => {
  const whole = archive(
    encodeTarEntry(tarEntry('dir/', 'directory', { mode: 0o1777 })),
    file('dir/file', 'x'.repeat(1300), { mtimeNs: 5n, xattrs: new Map([['user.a' as ByteString, Buffer.from([0])]]) }),
    encodeTarEntry(tarEntry('link', 'symlink', { linkPath: byteString('dir/file') })),
    file(`${'long/'.repeat(60)}name`, ''),
  );
  const expected = readAll(whole);
  assert.equal(expected.length, 4);
  assert.equal(expected[1]!.content.toString(), 'x'.repeat(1300));
  for (const size of [1, 7, 511, 512, 513, 1024, 4096])
    assert.deepEqual(readAll(whole, size), expected, `${size} bytes`);
});

test('every entry type is told with what belongs to it', () => {
  const check = (written: TarEntry, content = ''): void => {
    const [read] = readAll(archive(encodeTarEntry(written), Buffer.from(content), tarPadding(content.length)));
    assert.deepEqual(read!.entry, written);
    assert.equal(read!.isComplete, true);
  };
  const attributes = { mode: 0o6711, uid: 1000, gid: 2_000_000_000, mtimeNs: 1_700_000_000_123_456_789n };
  check(tarEntry('file', 'file', { ...attributes, size: 3 }), 'abc');
  check(tarEntry('hard', 'hard-link', { ...attributes, linkPath: byteString('file') }));
  check(tarEntry('soft', 'symlink', { ...attributes, linkPath: byteString(`/${'x'.repeat(200)}`) }));
  check(tarEntry('null', 'character-device', { ...attributes, devMajor: 1, devMinor: 3 }));
  check(tarEntry('disk', 'block-device', { ...attributes, devMajor: 259, devMinor: 1_000_000 }));
  check(tarEntry('dir/', 'directory', attributes));
  check(tarEntry('pipe', 'fifo', attributes));
  check(tarEntry('before', 'file', { mtimeNs: -1n }));
});

test('names keep bytes that are no UTF-8', () => {
  const name = byteString(Buffer.from([0x66, 0xff, 0xc3, 0x28]));
  assert.equal(readAll(archive(encodeTarEntry({ ...tarEntry('x', 'file'), path: name })))[0]!.entry.path, name);
});

test('names come from GNU long names, then from pax records', () => {
  const long = 'n'.repeat(300);
  assert.equal(only(member('L', '././@LongLink', `${long}\0`), member('0', 'short')).entry.path, long);
  assert.equal(only(member('K', '././@LongLink', `${long}\0`), member('2', 'l')).entry.linkPath, long);
  assert.equal(only(member('L', 'x', 'gnu\0'), pax({ path: 'pax' }), member('0', 'own')).entry.path, 'pax');
  assert.equal(only(pax({ path: '' }), member('0', 'own')).entry.path, 'own');
});

test('pax records override the header that follows, and only that one', () => {
  const records = { size: '3', uid: '3000000000', gid: '7', mtime: '12.5', linkpath: 'ignored' };
  const [first, second] = readAll(archive(pax(records), member('0', 'a', 'abc', { size: 0 }), member('0', 'b', 'xy')));
  assert.deepEqual(
    [first!.content.toString(), first!.entry.uid, first!.entry.gid, first!.entry.mtimeNs, first!.entry.linkPath],
    ['abc', 3_000_000_000, 7, 12_500_000_000n, ''],
  );
  assert.deepEqual([second!.content.toString(), second!.entry.uid], ['xy', 0]);
});

test('global records hold for all that follow until they are overridden, names among them not', () => {
  const entries = readAll(
    archive(
      pax({ uid: '5', mtime: '9', path: 'all the same' }, 'g'),
      member('0', 'a'),
      pax({ uid: '6' }),
      member('0', 'b'),
      pax({ uid: '' }),
      member('0', 'c', '', { uid: 8 }),
    ),
  );
  assert.deepEqual(
    entries.map(({ entry }) => [entry.path, entry.uid, entry.mtimeNs]),
    [
      ['a', 5, 9_000_000_000n],
      ['b', 6, 9_000_000_000n],
      ['c', 8, 9_000_000_000n],
    ],
  );
});

test('historic archives: no type flag, a slash for a folder, volume labels', () => {
  assert.equal(only(member('\0', 'v7', 'abc')).content.toString(), 'abc');
  assert.equal(only(member('0', 'folder/')).entry.type, 'directory');
  assert.equal(only(member('7', 'contiguous', 'abc')).entry.type, 'file');
  assert.equal(only(member('V', 'label'), member('0', 'first')).entry.path, 'first');
  const [dump, next] = readAll(archive(member('D', 'dump/', 'Yname\0\0'), member('0', 'next')));
  assert.deepEqual([dump!.entry.type, dump!.content.length, next!.entry.path], ['directory', 0, 'next']);
});

test('links and folders have no content whatever their size says', () => {
  const [link, next] = readAll(
    archive(member('1', 'l', '', { linkName: byteString('a'), size: 700 }), member('0', 'b')),
  );
  assert.deepEqual([link!.entry.type, link!.entry.size, next!.entry.path], ['hard-link', 0, 'b']);
});

/** 3 bytes at 1000, 2 bytes at 5000, size 6000. */
const SPARSE = Buffer.alloc(6000);
SPARSE.write('abc', 1000);
SPARSE.write('de', 5000);

function oldGnuSparse(pieces: [number, number][], realSize: number, data: string, more: Buffer[] = []): Buffer {
  const header = member('S', 'sparse', '', { size: data.length }).subarray(0, 512);
  header.write('ustar  \0', 257, 'latin1');
  header.fill(0, 345);
  for (const [index, [offset, length]] of pieces.entries()) {
    header.write(offset.toString(8).padStart(11, '0'), 386 + 24 * index, 'latin1');
    header.write(length.toString(8).padStart(11, '0'), 398 + 24 * index, 'latin1');
  }
  header[482] = more.length > 0 ? 1 : 0;
  header.write(realSize.toString(8).padStart(11, '0'), 483, 'latin1');
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return Buffer.concat([header, ...more, Buffer.from(data), tarPadding(data.length)]);
}

test('all sparse formats give the same file', () => {
  const check = (name: string, ...parts: Buffer[]): void => {
    const [read, next] = readAll(archive(...parts, member('0', 'next')), 100);
    assert.deepEqual([read!.entry.path, read!.entry.size, read!.holeBytes], ['sparse', 6000, 5995], name);
    assert.ok(read!.content.equals(SPARSE), name);
    assert.equal(next!.entry.path, 'next', name);
  };
  check(
    'old GNU',
    oldGnuSparse(
      [
        [1000, 3],
        [5000, 2],
        [6000, 0],
      ],
      6000,
      'abcde',
    ),
  );
  const extension = Buffer.alloc(512);
  extension.write('00000011610\x0000000000002\0', 0, 'latin1'); // 5000, 2
  check('old GNU, extended', oldGnuSparse([[1000, 3]], 6000, 'abcde', [extension]));
  const v00: [string, string][] = [
    ['GNU.sparse.size', '6000'],
    ['GNU.sparse.numblocks', '2'],
    ['GNU.sparse.offset', '1000'],
    ['GNU.sparse.numbytes', '3'],
    ['GNU.sparse.offset', '5000'],
    ['GNU.sparse.numbytes', '2'],
  ];
  check('pax 0.0', pax(v00), member('0', 'sparse', 'abcde'));
  const v01 = { 'GNU.sparse.size': '6000', 'GNU.sparse.map': '1000,3,5000,2', 'GNU.sparse.name': 'sparse' };
  check('pax 0.1', pax(v01), member('0', 'GNUSparseFile.1/sparse', 'abcde'));
  const v10 = {
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.name': 'sparse',
    'GNU.sparse.realsize': '6000',
  };
  const map = Buffer.alloc(512);
  map.write('2\n1000\n3\n5000\n2\n');
  const data = Buffer.concat([map, Buffer.from('abcde')]);
  check('pax 1.0', pax(v10), member('0', 'GNUSparseFile.1/sparse', data));
});

/** What reading these bytes is refused with. */
function refusal(bytes: Buffer): string {
  try {
    readAll(bytes);
  } catch (error) {
    assert.ok(error instanceof SkiffError, String(error));
    return error.message;
  }
  return 'accepted';
}

test('what cannot be meant is refused, with the entry and its offset', () => {
  const check = (expected: RegExp, ...parts: Buffer[]): void => assert.match(refusal(archive(...parts)), expected);
  const first = member('0', 'first', 'x');
  check(/entry "odd" at offset 1024: type "Q" is not supported/, first, member('Q', 'odd'));
  check(/entry "part" at offset 0: type "M" is not supported/, member('M', 'part'));
  check(/a name is empty/, member('0', ''));
  check(/a name is empty/, member('2', 'link'));
  check(/a name is empty or holds NUL/, pax({ path: 'a\0b' }), member('0', 'x'));
  check(/a name is longer than 4096 bytes/, pax({ path: 'p'.repeat(4097) }), member('0', 'x'));
  check(/uid 4294967295 is out of range/, pax({ uid: '4294967295' }), member('0', 'x'));
  check(/uid -1 is out of range/, pax({ uid: '-1' }), member('0', 'x'));
  check(/size 99999999999999999999 is out of range/, pax({ size: '9'.repeat(20) }), member('0', 'x'));
  check(/mtime never is not a time/, pax({ mtime: 'never' }), member('0', 'x'));
  check(/malformed extended header record/, member('x', 'pax', '5 a=b'), member('0', 'x'));
  check(/extended header of 1048577 bytes/, member('x', 'pax', '', { size: 1_048_577 }));
  check(/ends in an extended header without its entry/, pax({ path: 'x' }));
  check(/offset 1024: a lone block of zeros/, first, Buffer.alloc(512), member('0', 'x'));
  const sparse = (records: Record<string, string>, data = ''): Buffer =>
    Buffer.concat([pax(records), member('0', 'sparse', data)]);
  check(/sparse file without its size/, sparse({ 'GNU.sparse.map': '0,1' }, 'x'));
  check(/out of order/, sparse({ 'GNU.sparse.size': '9', 'GNU.sparse.map': '5,1,3,1' }, 'xx'));
  check(/out of range/, sparse({ 'GNU.sparse.size': '9', 'GNU.sparse.map': '5,5' }, 'x'.repeat(5)));
  check(/map of 2 bytes for 3 stored/, sparse({ 'GNU.sparse.size': '9', 'GNU.sparse.map': '5,2' }, 'xxx'));
  check(/malformed sparse map/, sparse({ 'GNU.sparse.size': '9', 'GNU.sparse.map': '5' }, 'x'));
  check(/format 2.0 is not known/, sparse({ 'GNU.sparse.size': '9', 'GNU.sparse.major': '2' }));
  const v10 = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' };
  check(/malformed sparse map/, sparse(v10, 'no number\n'.padEnd(512)));
  check(/malformed sparse map/, sparse(v10, '99999999\n'.padEnd(512)));
  check(/malformed sparse map/, sparse(v10, '5\n1\n'.padEnd(512)));
  check(/malformed sparse map/, oldGnuSparse([[1, 2]], 9, 'xx', [Buffer.alloc(512, 'z')]));
});

test('an archive that is cut anywhere inside an entry is refused, between entries and in what fills up a block it is whole', () => {
  const whole = Buffer.concat([pax({ comment: 'c' }), member('0', 'a', 'x'.repeat(600)), member('0', 'b', 'y')]);
  const isWhole = (cut: number): boolean =>
    (cut >= 1024 + 512 + 600 && cut <= 1024 + 512 + 1024) || cut > whole.length - 512;
  for (let cut = 1; cut <= whole.length; cut += 1) {
    const said = refusal(whole.subarray(0, cut));
    assert.match(said, isWhole(cut) ? /^accepted$/ : cut < 512 ? /not a tar archive/ : /truncated/, `cut at ${cut}`);
  }
  assert.match(refusal(Buffer.alloc(0)), /the archive is empty/);
});

test('the archive ends at two blocks of zeros, at one, or where the input ends; what follows is ignored', () => {
  const entry = member('0', 'a');
  for (const end of [TAR_END, Buffer.alloc(512), Buffer.alloc(700), Buffer.alloc(0)]) {
    assert.equal(readAll(Buffer.concat([entry, end])).length, 1);
  }
  assert.equal(readAll(Buffer.concat([entry, TAR_END, Buffer.from('anything')])).length, 1);
  assert.deepEqual(readAll(TAR_END), []);
});

test('what a sink throws comes out of push()', () => {
  const sink = new FakeSink();
  sink.entry = () => {
    throw new Error('no more');
  };
  assert.throws(() => new TarReader(sink).push(member('0', 'a')), /no more/);
});
