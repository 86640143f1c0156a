/**
 * Writes tar entries: ustar headers, with a pax header before them where a value does not fit.
 *
 * The same entry always gives the same bytes. Content and its padding are the caller's to put in between.
 */
import { type ByteString, byteString, bytesOf, shown, type TarEntry, type TarEntryType } from './entry.ts';
import { errors } from './errors.ts';
import { BLOCK, encodeHeader, fitsOctal } from './header.ts';
import { encodePaxRecord, formatPaxTime } from './pax.ts';

const TYPE_FLAGS: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  'hard-link': '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};

/** The end-of-archive mark. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

/** An entry with everything left out at its usual value: mode 0644 (0755 for folders), root, 1970, no content. */
export function tarEntry(path: string, type: TarEntryType, more: Partial<TarEntry> = {}): TarEntry {
  return {
    path: byteString(path),
    type,
    mode: type === 'directory' ? 0o755 : type === 'symlink' ? 0o777 : 0o644,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    size: 0,
    linkPath: byteString(''),
    devMajor: 0,
    devMinor: 0,
    xattrs: new Map(),
    ...more,
  };
}

/** The header blocks of an entry. Throws `tar.unwritable` for device numbers no tar can hold. */
export function encodeTarEntry(entry: TarEntry): Buffer {
  for (const number of [entry.devMajor, entry.devMinor]) {
    if (!fitsOctal(number, 8)) throw errors.unwritable(`${shown(entry.path)}: device number ${number}`);
  }
  const records: Buffer[] = [];
  const add = (key: string, value: string | Buffer): void => {
    records.push(encodePaxRecord(key, typeof value === 'string' ? Buffer.from(value) : value));
  };
  const fitting = (key: string, value: number, length: 8 | 12): number => {
    if (fitsOctal(value, length)) return value;
    add(key, String(value));
    return 0;
  };
  const split = splitPath(entry.path);
  if (!split) add('path', bytesOf(entry.path));
  if (entry.linkPath.length > 100) add('linkpath', bytesOf(entry.linkPath));
  const seconds = Number(entry.mtimeNs / 1_000_000_000n);
  const isPlainTime = entry.mtimeNs % 1_000_000_000n === 0n && fitsOctal(seconds, 12);
  if (!isPlainTime) add('mtime', formatPaxTime(entry.mtimeNs));
  const header = {
    ...(split ?? { name: entry.path.slice(0, 100) as ByteString, prefix: '' as ByteString }),
    mode: entry.mode & 0o7777,
    uid: fitting('uid', entry.uid, 8),
    gid: fitting('gid', entry.gid, 8),
    size: fitting('size', entry.size, 12),
    mtime: isPlainTime ? seconds : 0,
    type: TYPE_FLAGS[entry.type],
    linkName: entry.linkPath.slice(0, 100) as ByteString,
    devMajor: entry.devMajor,
    devMinor: entry.devMinor,
  };
  for (const [name, value] of entry.xattrs) add(`SCHILY.xattr.${name}`, value);
  const own = encodeHeader(header);
  return records.length === 0 ? own : Buffer.concat([paxHeader(Buffer.concat(records)), own]);
}

/** The zeros that fill the last block of content of this size. */
export function tarPadding(size: number): Buffer {
  return TAR_END.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}

function paxHeader(data: Buffer): Buffer {
  const none = '' as ByteString;
  const fields = { mode: 0o644, uid: 0, gid: 0, mtime: 0, type: 'x', linkName: none, devMajor: 0, devMinor: 0 };
  const header = encodeHeader({ ...fields, name: byteString('PaxHeaders/entry'), prefix: none, size: data.length });
  return Buffer.concat([header, data, tarPadding(data.length)]);
}

/** Name and prefix, split at a slash where needed; undefined when a path does not fit. */
function splitPath(path: ByteString): { name: ByteString; prefix: ByteString } | undefined {
  if (path.length <= 100) return { name: path, prefix: '' as ByteString };
  const at = path.indexOf('/', path.length - 101);
  if (at <= 0 || at > 155 || at === path.length - 1) return undefined;
  return { name: path.slice(at + 1) as ByteString, prefix: path.slice(0, at) as ByteString };
}
