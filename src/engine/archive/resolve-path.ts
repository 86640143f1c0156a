/**
 * Paths of a container's file system, resolved as its own processes would: symlinks lead on from the container's root,
 * and `..` stops there. Pure: what there is comes from a look-up that itself follows nothing.
 *
 * All paths are byte strings (latin1) without a slash at the ends; the root is ''.
 */
import { posix } from 'node:path';
import { errors } from '../errors.ts';

/** The target of a symlink, or undefined for anything else and for nothing. */
export type ReadLink = (path: string) => Promise<string | undefined>;

/** kernel: as many symlinks as one look-up follows. */
const MOST_LINKS = 40;

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

/** The path without a symlink in it; its last name is followed only if asked. What is not there stays as it is named. */
export async function resolvePath(path: string, readLink: ReadLink, followLast: boolean): Promise<string> {
  const left = path.split('/').filter((name) => name !== '');
  const done: string[] = [];
  let links = 0;
  while (left.length > 0) {
    const name = left.shift()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    const target = left.length > 0 || followLast ? await readLink([...done, name].join('/')) : undefined;
    if (target === undefined) {
      done.push(name);
      continue;
    }
    links += 1;
    if (links > MOST_LINKS) throw errors.tooManyLinks(Buffer.from(path, 'latin1').toString());
    if (target.startsWith('/')) done.length = 0;
    left.unshift(...target.split('/'));
  }
  return done.join('/');
}
