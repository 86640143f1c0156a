/**
 * Reads one file as a process inside a root file system would see it, without mounting and without being led out of it.
 *
 * A root is a stack of folders as overlayfs stacks them, topmost first. Every component is opened on its
 * parent's descriptor without following it; symlinks are resolved here, from the stack's own top.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { errnoCode } from '#base';

const MAX_LINKS = 40;
const O_PATH = 0o10000000;
const LARGEST = 16 * 1024 * 1024;

/**
 * The file's text, or undefined when there is none (or it is no regular file, too large, or behind too many links).
 * kernel: a 0:0 character device in an upper folder hides what is below. Opaque folders are not seen from here: Node
 * cannot read the attribute that marks them.
 */
export function readRootFile(layers: readonly string[], path: string): string | undefined {
  const fd = openInLayers(layers, path, { links: 0 });
  if (fd === undefined) return undefined;
  try {
    const stats = fstatSync(fd);
    return stats.isFile() && stats.size <= LARGEST ? readFileSync(`/proc/self/fd/${fd}`, 'utf8') : undefined;
  } finally {
    closeSync(fd);
  }
}

interface Budget {
  links: number;
}

function openInLayers(layers: readonly string[], path: string, budget: Budget): number | undefined {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  for (const layer of layers) {
    const found = walk(layer, names);
    if (found.kind === 'file') return found.fd;
    if (found.kind === 'hidden') return undefined;
    if (found.kind === 'link') {
      budget.links += 1;
      if (budget.links > MAX_LINKS) return undefined;
      const target = found.target.startsWith('/') ? found.target : `${found.folder}/${found.target}`;
      return openInLayers(layers, plain(`${target}/${found.rest}`), budget);
    }
  }
  return undefined;
}

type Found =
  | { readonly kind: 'file'; readonly fd: number }
  | { readonly kind: 'missing' | 'hidden' }
  | { readonly kind: 'link'; readonly folder: string; readonly target: string; readonly rest: string };

function walk(layer: string, names: readonly string[]): Found {
  let fd = openSync(layer, O_PATH | constants.O_DIRECTORY);
  for (const [index, name] of names.entries()) {
    const next = openChild(fd, name);
    closeSync(fd);
    if (next === undefined) return { kind: 'missing' };
    fd = next;
    const stats = fstatSync(fd);
    if (isWhiteout(stats)) {
      closeSync(fd);
      return { kind: 'hidden' };
    }
    if (stats.isSymbolicLink()) {
      const target = readLink(fd);
      closeSync(fd);
      return { kind: 'link', folder: names.slice(0, index).join('/'), target, rest: names.slice(index + 1).join('/') };
    }
  }
  return { kind: 'file', fd };
}

function openChild(folder: number, name: string): number | undefined {
  const path = `/proc/self/fd/${folder}/${name}`;
  // Most layers have neither: to ask first is cheaper than an error.
  if (!lstatSync(path, { throwIfNoEntry: false })) return undefined;
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** kernel: readlink of /proc/self/fd/N gives where the descriptor points, so the link itself is read by that path. */
function readLink(fd: number): string {
  return readlinkSync(readlinkSync(`/proc/self/fd/${fd}`));
}

const isWhiteout = (stats: Stats): boolean => stats.isCharacterDevice() && stats.rdev === 0;

/** Removes `.` and `..` as a path walk from the root would; `..` at the top stays there. */
function plain(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names.join('/');
}
