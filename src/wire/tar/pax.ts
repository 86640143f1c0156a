/**
 * Extended headers: records `length key=value\n` that override or add to the header that follows them.
 *
 * spec: POSIX.1-2001 pax(1), "pax Extended Header"; star's SCHILY.*, libarchive's LIBARCHIVE.* and GNU.sparse.* keys.
 */
import { type ByteString, byteString, bytesOf } from './entry.ts';

/** Keys and values in the order of the file; a key may come more than once (GNU.sparse.offset). */
export type PaxRecords = readonly (readonly [key: ByteString, value: ByteString])[];

/** Splits the data of an extended header. Gives what is wrong as text, for the caller knows the entry. */
export function parsePax(data: Buffer): { records: PaxRecords } | { wrong: string } {
  const records: [ByteString, ByteString][] = [];
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at);
    const digits = space < 0 || space - at > 10 ? '' : data.toString('latin1', at, space);
    const end = /^[1-9]\d*$/.test(digits) ? at + Number(digits) : -1;
    if (end > data.length || end <= space + 1 || data[end - 1] !== 0x0a) {
      // Some writers pad the last record with NULs.
      if (data.subarray(at).every((byte) => byte === 0)) break;
      return { wrong: `malformed extended header record at byte ${at}` };
    }
    const equals = data.indexOf(0x3d, space + 1);
    if (equals <= space + 1 || equals >= end - 1)
      return { wrong: `extended header record without a key at byte ${at}` };
    records.push([byteString(data.subarray(space + 1, equals)), byteString(data.subarray(equals + 1, end - 1))]);
    at = end;
  }
  return { records };
}

/** One record, its length included in the length it states. The key is taken byte by byte. */
export function encodePaxRecord(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`, 'latin1'), value, Buffer.from('\n')]);
}

/** Nanoseconds of a decimal time such as `-1.5` or `1700000000.123456789`; finer digits are dropped (towards the past). */
export function parsePaxTime(text: string): bigint | undefined {
  const match = /^(-?)(\d{1,18})(?:\.(\d*))?$/.exec(text);
  if (!match) return undefined;
  const digits = match[3] ?? '';
  const ns = BigInt(match[2]!) * 1_000_000_000n + BigInt(digits.slice(0, 9).padEnd(9, '0'));
  if (match[1] === '') return ns;
  return /[1-9]/.test(digits.slice(9)) ? -ns - 1n : -ns;
}

/** `seconds.fraction`, the form `parsePaxTime` reads. */
export function formatPaxTime(timeNs: bigint): string {
  const absolute = timeNs < 0n ? -timeNs : timeNs;
  const fraction = String(absolute % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${timeNs < 0n ? '-' : ''}${absolute / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

/** A non-negative decimal number; undefined when it is not one or not exact as a double. */
export function parsePaxNumber(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

const SCHILY = 'SCHILY.xattr.';
const LIBARCHIVE = 'LIBARCHIVE.xattr.';

/** The extended attribute a record sets, or undefined. libarchive writes name as URL and value as base64. */
export function paxXattr(key: ByteString, value: ByteString): [name: ByteString, value: Buffer] | undefined {
  if (key.startsWith(SCHILY)) return [key.slice(SCHILY.length) as ByteString, bytesOf(value)];
  if (!key.startsWith(LIBARCHIVE)) return undefined;
  const name = key
    .slice(LIBARCHIVE.length)
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return [name as ByteString, Buffer.from(value, 'base64')];
}
