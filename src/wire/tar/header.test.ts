import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteString } from './entry.ts';
import { decodeHeader, decodeNumber, encodeHeader, type HeaderFields } from './header.ts';

const fields: HeaderFields = {
  name: byteString('name'),
  prefix: byteString(''),
  mode: 0o4755,
  uid: 1000,
  gid: 100,
  size: 12345,
  mtime: 1_700_000_000,
  type: '3',
  linkName: byteString(''),
  devMajor: 8,
  devMinor: 17,
};

/** Recomputes the checksum after a change, in the historic signed way if asked for. */
function sealed(block: Buffer, signed = false): Buffer {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + (signed ? (byte << 24) >> 24 : byte), 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

test('a number field holds octal digits between blanks, or base-256 with a sign', () => {
  const check = (field: Buffer | string, expected: number | undefined): void => {
    const bytes = typeof field === 'string' ? Buffer.from(field, 'latin1') : field;
    assert.equal(decodeNumber(bytes), expected, bytes.toString('hex'));
  };
  check('0000644\0', 0o644);
  check('   644 \0', 0o644);
  check('\0\0\0\0\0\0\0\0', 0);
  check('        ', 0);
  check('77777777777\0', 8 ** 11 - 1);
  check('777777777777', 8 ** 12 - 1);
  check('644\0junk', 0o644);
  check('0000648\0', undefined);
  check('-000001\0', undefined);
  check('64x\0\0\0\0\0', undefined);
  check(Buffer.from('8000000000000000000003e8', 'hex'), 1000);
  check(Buffer.from('800000000000000200000000', 'hex'), 2 ** 33);
  check(Buffer.from('ffffffffffffffffffffffff', 'hex'), -1);
  check(Buffer.from('fffffffffffffffffffffc18', 'hex'), -1000);
  check(Buffer.from('80ffffffffffffffffffffff', 'hex'), undefined);
});

test('decodeHeader() gives back what encodeHeader() was given', () => {
  const { prefix: _, ...header } = fields;
  assert.deepEqual(decodeHeader(encodeHeader(fields), 0), header);
});

test('decodeHeader() joins the prefix of ustar and of star, and has none for GNU', () => {
  const long = { ...fields, prefix: byteString('a/long/way') };
  assert.equal(decodeHeader(encodeHeader(long), 0).name, 'a/long/way/name');

  const star = encodeHeader({ ...long, prefix: byteString('p'.repeat(155)) });
  star.write('tar\0', 508, 'latin1');
  assert.equal(decodeHeader(sealed(star), 0).name, `${'p'.repeat(131)}/name`);

  const gnu = encodeHeader(long);
  gnu.write('ustar  \0', 257, 'latin1');
  assert.equal(decodeHeader(sealed(gnu), 0).name, 'name');
});

test('decodeHeader() accepts a checksum over signed characters', () => {
  const block = encodeHeader({ ...fields, name: byteString('näme') });
  assert.equal(decodeHeader(sealed(block, true), 0).name, byteString('näme'));
});

test('decodeHeader() names the offset and the field it cannot read', () => {
  const bad = encodeHeader(fields);
  bad.write('12z', 108, 'latin1');
  assert.throws(() => decodeHeader(sealed(bad), 1024), /header at offset 1024: the field 'uid' is not a number/);
  assert.throws(() => decodeHeader(Buffer.alloc(512, 1), 512), /offset 512: wrong checksum/);
  assert.throws(() => decodeHeader(Buffer.alloc(512, 1), 0), { code: 'tar.notTar' });
});

test('device numbers count for devices only', () => {
  const file = encodeHeader({ ...fields, type: '0' });
  file.write('garbage!', 329, 'latin1');
  const { devMajor, devMinor } = decodeHeader(sealed(file), 0);
  assert.deepEqual([devMajor, devMinor], [0, 0]);
});
