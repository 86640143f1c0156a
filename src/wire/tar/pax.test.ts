import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByteString, byteString } from './entry.ts';
import { encodePaxRecord, formatPaxTime, parsePax, parsePaxTime, paxXattr } from './pax.ts';

test('parsePax() splits records by their lengths, whatever the values hold', () => {
  const value = Buffer.from('a\n9 x=y\0=\xff', 'latin1');
  const data = Buffer.concat([
    encodePaxRecord('path', Buffer.from('ü')),
    encodePaxRecord('SCHILY.xattr.user.a', value),
  ]);
  assert.deepEqual(parsePax(data), {
    records: [
      ['path', byteString('ü')],
      ['SCHILY.xattr.user.a', byteString(value)],
    ],
  });
});

test('a record states a length that counts the digits of the length', () => {
  for (const size of [0, 1, 89, 90, 91, 92, 980, 985, 986, 987, 988, 990, 995, 9979, 9984, 9985]) {
    const record = encodePaxRecord('key', Buffer.alloc(size, 'v'));
    assert.equal(Number.parseInt(record.toString('latin1'), 10), record.length, `${size} bytes`);
    assert.deepEqual(parsePax(record), { records: [['key', 'v'.repeat(size)]] });
  }
});

test('parsePax() refuses records that are malformed and says where', () => {
  const check = (text: string, expected: RegExp): void => {
    const result = parsePax(Buffer.from(text, 'latin1'));
    assert.match('wrong' in result ? result.wrong : 'nothing', expected, JSON.stringify(text));
  };
  check('5 a=b', /record at byte 0/); // no newline
  check('6 a=b\nx', /record at byte 6/);
  check('7 a=b\n', /record at byte 0/); // longer than the data
  check('06 a=b\n', /record at byte 0/);
  check('-6 a=b\n', /record at byte 0/);
  check('99999999999 a=b\n', /record at byte 0/);
  check('3 \n', /record at byte 0|without a key/);
  check('5 =b\n', /without a key at byte 0/);
  check('5 ab\n', /without a key at byte 0/);
  check('no space', /record at byte 0/);
});

test('parsePax() takes NULs behind the last record for padding', () => {
  assert.deepEqual(parsePax(Buffer.from('6 a=b\n\0\0\0')), { records: [['a', 'b']] });
});

test('times keep nanoseconds, before 1970 too', () => {
  const check = (text: string, expected: bigint | undefined): void => assert.equal(parsePaxTime(text), expected, text);
  check('0', 0n);
  check('1700000000', 1_700_000_000_000_000_000n);
  check('1.5', 1_500_000_000n);
  check('1.000000001', 1_000_000_001n);
  check('1.0000000019', 1_000_000_001n);
  check('1.', 1_000_000_000n);
  check('-1.5', -1_500_000_000n);
  check('-1.0000000001', -1_000_000_001n);
  check('', undefined);
  check('1e9', undefined);
  check('+1', undefined);
  check('9'.repeat(19), undefined);
  for (const ns of [0n, 1n, -1n, 1_500_000_000n, -1_500_000_000n, 1_700_000_000_123_456_789n]) {
    assert.equal(parsePaxTime(formatPaxTime(ns)), ns);
  }
});

test('extended attributes come from star and from libarchive', () => {
  const check = (key: string, value: string, expected: [string, Buffer] | undefined): void =>
    assert.deepEqual(paxXattr(key as ByteString, value as ByteString), expected, key);
  check('SCHILY.xattr.user.a', '\x00\xff', ['user.a', Buffer.from([0, 255])]);
  check('LIBARCHIVE.xattr.user.%61%3D', 'AP8', ['user.a=', Buffer.from([0, 255])]);
  check('LIBARCHIVE.creationtime', '1', undefined);
  check('path', 'x', undefined);
});
