/** The arguments of `cp`, and where a copy goes: into a folder, or under another name. Pure. */
import { posix } from 'node:path';
import { errors } from '../errors.ts';

export interface CopyArgument {
  /** Empty for a path of this machine. */
  readonly container: string;
  readonly path: string;
}

/** compat: `CONTAINER:PATH`; a path that begins with `/` or `.`, or has no colon, is one of this machine. */
export function parseCopyArgument(text: string): CopyArgument {
  const at = text.indexOf(':');
  if (text.startsWith('/') || text.startsWith('.') || at < 0) return { container: '', path: text };
  return { container: text.slice(0, at), path: text.slice(at + 1) };
}

export interface Place {
  readonly path: string;
  readonly exists: boolean;
  readonly isFolder: boolean;
}

export interface Plan {
  /** The folder that is written to. */
  readonly folder: string;
  /** What the source is called there; undefined: its own name. */
  readonly name?: string;
}

/** compat: as cp(1) does it, but for a file to a name with a slash at its end. Throws `cli.invalid` in Docker's words. */
export function planCopy(source: { readonly isFolder: boolean }, target: Place): Plan {
  if (target.exists && target.isFolder) return { folder: target.path };
  if (target.exists && source.isFolder) throw errors.invalid('cannot copy directory');
  const assertsFolder = /\/\.?$/.test(target.path) || target.path === '.';
  if (!target.exists && !source.isFolder && assertsFolder) throw errors.invalid('no such directory');
  const clean = posix.normalize(target.path).replace(/(.)\/$/, '$1');
  return { folder: posix.dirname(clean), name: posix.basename(clean) };
}

/** The first name of what an archive of this path holds. */
export function archiveNameOf(path: string): string {
  if (path.endsWith('/.') || path === '.') return '.';
  return posix.basename(posix.normalize(`/${path}`)) || '/';
}
