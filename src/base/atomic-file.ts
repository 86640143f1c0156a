/** Files that are either the old or the new content after a crash: temporary file, optional fsync, rename. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface AtomicWriteOptions {
  readonly mode?: number;
  /** Also survive a power cut: fsync of the file and its folder. Costs milliseconds; not for the start path. */
  readonly durable?: boolean;
}

/** Replaces the file's content at once, making missing folders (0700). Throws Node's system errors. */
export function writeFileAtomic(path: string, content: string | Uint8Array, options: AtomicWriteOptions = {}): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const fd = openForWrite(temporary, options.mode ?? 0o600);
  try {
    const data = typeof content === 'string' ? Buffer.from(content) : content;
    for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
    if (options.durable === true) fsyncSync(fd);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  if (options.durable === true) syncFolder(dirname(path));
}

function openForWrite(path: string, mode: number): number {
  try {
    return openSync(path, 'w', mode);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, 'w', mode);
  }
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
