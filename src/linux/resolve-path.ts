/**
 * Paths inside a root file system, resolved as a process in it would: symlinks lead on from that root, and `..` stops
 * there. Pure: what there is comes from a look-up that itself follows nothing.
 *
 * All paths are byte strings (latin1) without a slash at the ends; the root is ''.
 */
import { defineErrors } from '#base';

const errors = defineErrors('path', {
  tooManyLinks: { kind: 'invalid', message: (path: string) => `${path}: too many levels of symbolic links` },
});

/** The target of a symlink, or undefined for anything else and for nothing. */
export type ReadLink = (path: string) => Promise<string | undefined>;

/** kernel: as many symlinks as one look-up follows. */
const MOST_LINKS = 40;

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
