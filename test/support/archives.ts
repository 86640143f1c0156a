/** Tar archives for tests, from parts. */
import { byteString, encodeTarEntry, TAR_END, type TarEntry, tarEntry, tarPadding } from '#wire';

/** 2023-11-14, with a fraction no old format holds. */
export const MTIME = 1_700_000_000_123_456_789n;

export function file(path: string, content: string | Buffer, more: Partial<TarEntry> = {}): Buffer {
  const bytes = Buffer.from(content);
  const header = encodeTarEntry(tarEntry(path, 'file', { size: bytes.length, mtimeNs: MTIME, ...more }));
  return Buffer.concat([header, bytes, tarPadding(bytes.length)]);
}

export function folder(path: string, more: Partial<TarEntry> = {}): Buffer {
  return encodeTarEntry(tarEntry(path, 'directory', { mtimeNs: MTIME, ...more }));
}

export function symlink(path: string, target: string, more: Partial<TarEntry> = {}): Buffer {
  return encodeTarEntry(tarEntry(path, 'symlink', { linkPath: byteString(target), mtimeNs: MTIME, ...more }));
}

export function hardLink(path: string, existing: string): Buffer {
  return encodeTarEntry(tarEntry(path, 'hard-link', { linkPath: byteString(existing), mtimeNs: MTIME }));
}

export function archive(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([...parts, TAR_END]);
}
