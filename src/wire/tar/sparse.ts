/**
 * Maps of sparse files: where the stored pieces of a file go; everything between them is a hole.
 *
 * spec: GNU tar manual, "Storing Sparse Files": old GNU format, PAX formats 0.0, 0.1 and 1.0.
 */
import type { ByteString } from './entry.ts';
import { decodeNumber } from './header.ts';
import { type PaxRecords, parsePaxNumber } from './pax.ts';

export interface Fragment {
  readonly offset: number;
  readonly length: number;
}

/** More pieces than this are refused: a map is kept in memory. */
export const MAX_FRAGMENTS = 65_536;

const OLD_GNU = { first: 386, firstCount: 4, extended: 482, realSize: 483, more: 21, moreExtended: 504 } as const;

/** The part of an old GNU sparse map that stands in the header. Undefined when a number is malformed. */
export function oldGnuSparse(
  block: Buffer,
): { fragments: Fragment[]; realSize: number; isExtended: boolean } | undefined {
  const realSize = decodeNumber(block.subarray(OLD_GNU.realSize, OLD_GNU.realSize + 12));
  const fragments = oldGnuFragments(block, OLD_GNU.first, OLD_GNU.firstCount);
  if (realSize === undefined || realSize < 0 || !fragments) return undefined;
  return { fragments, realSize, isExtended: block[OLD_GNU.extended] !== 0 };
}

/** The part of an old GNU sparse map that stands in a block behind the header. */
export function oldGnuSparseMore(block: Buffer): { fragments: Fragment[]; isExtended: boolean } | undefined {
  const fragments = oldGnuFragments(block, 0, OLD_GNU.more);
  return fragments && { fragments, isExtended: block[OLD_GNU.moreExtended] !== 0 };
}

function oldGnuFragments(block: Buffer, start: number, count: number): Fragment[] | undefined {
  const fragments: Fragment[] = [];
  for (let at = start; at < start + count * 24; at += 24) {
    if (block[at] === 0) break;
    const offset = decodeNumber(block.subarray(at, at + 12));
    const length = decodeNumber(block.subarray(at + 12, at + 24));
    if (offset === undefined || length === undefined) return undefined;
    fragments.push({ offset, length });
  }
  return fragments;
}

/** What the GNU.sparse.* records of an entry say. */
export interface PaxSparse {
  readonly realSize: number;
  /** Overrides the path, which names a made-up folder. */
  readonly name: ByteString | undefined;
  /** Undefined: format 1.0, the map stands before the data. */
  readonly fragments: Fragment[] | undefined;
}

/** Undefined when the records describe no sparse file; text when what they say is malformed. */
export function paxSparse(records: PaxRecords): PaxSparse | string | undefined {
  const numbers: number[] = [];
  const values = new Map<string, ByteString>();
  for (const [key, value] of records) {
    if (!key.startsWith('GNU.sparse.')) continue;
    const name = key.slice('GNU.sparse.'.length);
    if (name === 'offset' || name === 'numbytes') numbers.push(parsePaxNumber(value) ?? Number.NaN);
    else values.set(name, value);
  }
  if (values.size === 0 && numbers.length === 0) return undefined;
  const version = `${values.get('major') ?? '0'}.${values.get('minor') ?? (values.has('map') ? '1' : '0')}`;
  const realSize = parsePaxNumber(values.get('realsize') ?? values.get('size') ?? '');
  const name = values.get('name');
  if (realSize === undefined) return 'sparse file without its size';
  if (version === '1.0') return { realSize, name, fragments: undefined };
  if (version !== '0.0' && version !== '0.1') return `sparse format ${version} is not known`;
  const map = values.get('map');
  if (map !== undefined && map !== '')
    numbers.push(...map.split(',').map((text) => parsePaxNumber(text) ?? Number.NaN));
  const fragments = paired(numbers);
  return fragments ? { realSize, name, fragments } : 'malformed sparse map';
}

/** Reads the map that stands before the data of format 1.0: a count, then that many pairs, one decimal a line. */
export class SparseMapReader {
  readonly #texts: string[] = [];
  #lines = 0;
  #wantedLines: number | undefined;

  /** Takes the next block; true when it was the last one. Undefined when the count is malformed or too large. */
  push(block: Buffer): boolean | undefined {
    this.#texts.push(block.toString('latin1'));
    for (const byte of block) if (byte === 0x0a) this.#lines += 1;
    if (this.#wantedLines === undefined && this.#lines > 0) {
      const count = parsePaxNumber(this.#texts.join('').split('\n', 1)[0]!);
      if (count === undefined || count > MAX_FRAGMENTS) return undefined;
      this.#wantedLines = 1 + 2 * count;
    }
    if (this.#wantedLines === undefined && this.#texts.length > 1) return undefined;
    return this.#lines >= (this.#wantedLines ?? Infinity);
  }

  /** The map, once complete; undefined when a number is malformed. */
  fragments(): Fragment[] | undefined {
    const lines = this.#texts.join('').split('\n').slice(1, this.#wantedLines);
    return paired(lines.map((line) => parsePaxNumber(line) ?? Number.NaN));
  }
}

/** Numbers as (offset, length) pairs; undefined when one is missing or malformed. */
function paired(numbers: readonly number[]): Fragment[] | undefined {
  if (numbers.length % 2 !== 0 || numbers.some(Number.isNaN)) return undefined;
  const fragments: Fragment[] = [];
  for (let at = 0; at < numbers.length; at += 2) fragments.push({ offset: numbers[at]!, length: numbers[at + 1]! });
  return fragments;
}

/** What is wrong with a map: pieces must ascend, stay inside the file, and be exactly what is stored. */
export function faultOfMap(fragments: readonly Fragment[], realSize: number, storedSize: number): string | undefined {
  if (fragments.length > MAX_FRAGMENTS) return `sparse map of more than ${MAX_FRAGMENTS} pieces`;
  let end = 0;
  let stored = 0;
  for (const { offset, length } of fragments) {
    if (offset < end || length < 0 || length > realSize - offset) return 'sparse map is out of order or out of range';
    end = offset + length;
    stored += length;
  }
  return stored === storedSize ? undefined : `sparse map of ${stored} bytes for ${storedSize} stored bytes`;
}
