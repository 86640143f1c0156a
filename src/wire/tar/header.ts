/**
 * One 512-byte tar header: fields to values and back.
 *
 * spec: POSIX.1-1988 ustar (pax(1), "ustar Interchange Format"); GNU tar manual, "Basic Tar Format"; star(5).
 */
import type { ByteString } from './entry.ts';
import { errors } from './errors.ts';

export const BLOCK = 512;

/** Fields as [offset, length]. */
const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  devMajor: [329, 8],
  devMinor: [337, 8],
  prefix: [345, 155],
  starPrefix: [345, 131],
  starTrailer: [508, 4],
} as const;

type Field = readonly [offset: number, length: number];

export interface TarHeader {
  readonly name: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Whole seconds. */
  readonly mtime: number;
  /** The type flag, one character. */
  readonly type: string;
  readonly linkName: ByteString;
  readonly devMajor: number;
  readonly devMinor: number;
}

export function isZeroBlock(block: Uint8Array): boolean {
  // Of most blocks one byte tells.
  if (block.length > 0 && block[0] !== 0) return false;
  return block.every((byte) => byte === 0);
}

/** Decodes a header. Throws `tar.header` and, at offset 0, `tar.notTar`. */
export function decodeHeader(block: Buffer, offset: number): TarHeader {
  if (!checksumMatches(block)) {
    throw offset === 0 ? errors.notTar() : errors.header(offset, 'wrong checksum');
  }
  const number = (field: keyof typeof FIELD): number => {
    const value = decodeNumber(slice(block, FIELD[field]));
    if (value === undefined) throw errors.header(offset, `the field '${field}' is not a number`);
    return value;
  };
  const type = text(block, FIELD.type) || '0';
  const isDevice = type === '3' || type === '4';
  return {
    name: decodeName(block),
    mode: number('mode') & 0o7777,
    uid: number('uid'),
    gid: number('gid'),
    size: number('size'),
    mtime: number('mtime'),
    type,
    linkName: text(block, FIELD.linkName),
    // Old archives hold anything here where it means nothing.
    devMajor: isDevice ? number('devMajor') : 0,
    devMinor: isDevice ? number('devMinor') : 0,
  };
}

/** A number field: octal digits between blanks, or base-256 (GNU, star). Undefined when it is neither or too large. */
export function decodeNumber(field: Buffer): number | undefined {
  const first = field[0] ?? 0;
  if ((first & 0x80) === 0) return decodeOctal(field);
  // Two's complement, big-endian; bit 7 of the first byte is the mark, bit 6 the sign.
  let value = (first & 0x40) === 0 ? BigInt(first & 0x3f) : BigInt(first & 0x3f) - 0x40n;
  for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte);
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : undefined;
}

/** Digit by digit: an archive of many small files is mostly this. */
function decodeOctal(field: Buffer): number | undefined {
  let at = 0;
  while (at < field.length && (field[at] === SPACE || field[at] === 0)) at += 1;
  let value = 0;
  for (; at < field.length; at += 1) {
    const digit = field[at]! - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  const isEnded = at === field.length || field[at] === SPACE || field[at] === 0;
  return isEnded && Number.isSafeInteger(value) ? value : undefined;
}

const SPACE = 0x20;
const ZERO = 0x30;

/** What the writer puts into a header; numbers must fit (see `fitsOctal`). */
export interface HeaderFields extends TarHeader {
  readonly prefix: ByteString;
}

export function encodeHeader(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(fields.name, FIELD.name[0], FIELD.name[1], 'latin1');
  for (const key of ['mode', 'uid', 'gid', 'size', 'mtime', 'devMajor', 'devMinor'] as const) {
    const [at, length] = FIELD[key];
    block.write(fields[key].toString(8).padStart(length - 1, '0'), at, length - 1, 'latin1');
  }
  block.write(fields.type, FIELD.type[0], 1, 'latin1');
  block.write(fields.linkName, FIELD.linkName[0], FIELD.linkName[1], 'latin1');
  block.write('ustar\x0000', FIELD.magic[0], 'latin1');
  block.write(fields.prefix, FIELD.prefix[0], FIELD.prefix[1], 'latin1');
  const { sum } = checksums(block);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, FIELD.checksum[0], 'latin1');
  return block;
}

/** Whether a number fits the octal digits of a field of this length (one byte is kept for the final NUL). */
export function fitsOctal(value: number, length: 8 | 12): boolean {
  return value >= 0 && value < 8 ** (length - 1);
}

/** Name and prefix. Only ustar and star have a prefix: GNU keeps other things in its place. */
function decodeName(block: Buffer): ByteString {
  const name = text(block, FIELD.name);
  if (block.toString('latin1', FIELD.magic[0], FIELD.magic[0] + 6) !== 'ustar\0') return name;
  const isStar = block.toString('latin1', FIELD.starTrailer[0]) === 'tar\0';
  const prefix = text(block, isStar ? FIELD.starPrefix : FIELD.prefix);
  return prefix === '' ? name : (`${prefix}/${name}` as ByteString);
}

/** Historic writers summed signed characters: either sum counts. */
function checksumMatches(block: Buffer): boolean {
  const wanted = decodeNumber(slice(block, FIELD.checksum));
  const { sum, signed } = checksums(block);
  return wanted === sum || wanted === signed;
}

/** Of all bytes, those of the field itself taken as spaces; and the same of signed characters. */
function checksums(block: Buffer): { readonly sum: number; readonly signed: number } {
  const [from, length] = FIELD.checksum;
  let sum = length * SPACE;
  let large = 0;
  for (let at = 0; at < BLOCK; at += 1) {
    if (at === from) at += length;
    const byte = block[at]!;
    sum += byte;
    large += byte >> 7;
  }
  return { sum, signed: sum - large * 256 };
}

const slice = (block: Buffer, [at, length]: Field): Buffer => block.subarray(at, at + length);

/** A field up to its first NUL. */
function text(block: Buffer, [at, length]: Field): ByteString {
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end < 0 ? at + length : Math.min(end, at + length)) as ByteString;
}
