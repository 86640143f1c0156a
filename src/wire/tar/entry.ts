/**
 * What a tar archive says of one file. Names are bytes to Linux, so they are kept as byte strings, not as UTF-8 text.
 */
import type { Branded } from '#base';

/** Bytes as a string of one character each (latin1): compares and splits as text, and loses nothing. */
export type ByteString = Branded<'ByteString'>;

export type TarEntryType =
  | 'file'
  | 'hard-link'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'directory'
  | 'fifo';

export interface TarEntry {
  /** As it stands in the archive: may be absolute, may hold `.` and `..`; 1 to 4096 bytes without NUL. */
  readonly path: ByteString;
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970, possibly negative. */
  readonly mtimeNs: bigint;
  /** Bytes of a file's content, holes included; 0 for everything else. */
  readonly size: number;
  /** Target of a hard link or symlink, else empty. */
  readonly linkPath: ByteString;
  readonly devMajor: number;
  readonly devMinor: number;
  readonly xattrs: ReadonlyMap<ByteString, Buffer>;
}

/** The byte string of a text's UTF-8 form, or of bytes. */
export function byteString(from: string | Uint8Array): ByteString {
  const bytes = typeof from === 'string' ? Buffer.from(from) : Buffer.from(from.buffer, from.byteOffset, from.length);
  return bytes.toString('latin1') as ByteString;
}

export function bytesOf(text: ByteString): Buffer {
  return Buffer.from(text, 'latin1');
}

/** For people: as UTF-8, quoted, control characters escaped. */
export function shown(text: ByteString): string {
  return JSON.stringify(bytesOf(text).toString());
}

/** Without slashes at the ends, `.` and `..`; empty for the root, undefined for what leads out of it. */
export function insidePath(path: ByteString): string | undefined {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return names.join('/');
}
