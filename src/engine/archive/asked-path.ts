/**
 * Paths of a container's file system as clients write them.
 *
 * All paths are byte strings (latin1) without a slash at the ends; the root is ''.
 */
import { posix } from 'node:path';

export interface AskedPath {
  /** Cleaned by its text alone: `/a/../b` is `b`. */
  readonly path: string;
  /** What it is called in an archive: its last name, `.` for what is in it, `/` for the root. */
  readonly name: string;
  /** Ends in `/` or `/.`: what a symlink leads to is meant, not the symlink. */
  readonly isFolder: boolean;
}

/** compat: moby cleans a path before it looks at it, and keeps a `/` or `/.` at its end. */
export function parseAskedPath(text: string): AskedPath {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const clean = posix.normalize(`/${bytes}`).replace(/\/$/, '');
  const isDot = bytes === '.' || bytes.endsWith('/.');
  const name = isDot ? '.' : clean === '' ? '/' : posix.basename(clean);
  return { path: clean.slice(1), name, isFolder: isDot || bytes.endsWith('/') };
}
