/**
 * What an archive has put where, as far as later entries depend on it: folders it described, folders it only implied
 * by what is in them, symlinks, and names it declared removed. Pure; paths are clean and relative, '' is the root.
 *
 * Files are not kept, so memory follows the folders of a layer and not its files, and is bounded.
 */
import { errors } from '../errors.ts';

/** Bytes of paths that are kept of one layer; a root file system of a million folders has less. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;

type Place = 'given' | 'implied' | 'symlink';

export class PlacedPaths {
  readonly #places = new Map<string, Place>();
  /** Names that were declared removed, for good. */
  readonly #whiteouts = new Set<string>();
  /** Those of them that still stand there as a whiteout. */
  readonly #standing = new Set<string>();
  /** Folders through which nothing of below is seen. */
  readonly #opaque = new Set<string>();
  #keptBytes = 0;

  isFolder(path: string): boolean {
    const place = this.#places.get(path);
    return path === '' || place === 'given' || place === 'implied';
  }

  /** Whether the archive has described this folder. */
  isGiven(path: string): boolean {
    return this.#places.get(path) === 'given';
  }

  /** Whether what the layers below have under this name is hidden. */
  isWhiteout(path: string): boolean {
    return this.#whiteouts.has(path);
  }

  /** Whether a whiteout stands there, which a folder has to replace. */
  isStanding(path: string): boolean {
    return this.#standing.has(path);
  }

  /** Folders above the path that are not known yet, topmost first; they are implied from now on. */
  implyAbove(path: string): string[] {
    const parent = parentOf(path);
    if (parent === '' || this.isFolder(parent)) return [];
    const implied: string[] = [];
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      const folder = path.slice(0, end);
      if (this.isFolder(folder)) continue;
      // What is behind a symlink is somewhere else, under another name.
      if (this.#places.get(folder) === 'symlink') break;
      this.#set(folder, 'implied');
      implied.push(folder);
    }
    return implied;
  }

  folder(path: string): void {
    this.#set(path, 'given');
    this.#standing.delete(path);
  }

  /** The folder is there now, but nothing is known of its owner and mode. */
  impliedFolder(path: string): void {
    if (!this.isFolder(path)) this.#set(path, 'implied');
    this.#standing.delete(path);
  }

  symlink(path: string): void {
    this.other(path);
    this.#set(path, 'symlink');
  }

  /** Anything else: it takes the place of what was there. */
  other(path: string): void {
    this.#standing.delete(path);
    if (this.#places.has(path)) this.#forget(path);
  }

  opaque(path: string): void {
    this.impliedFolder(path);
    this.#opaque.add(path);
  }

  /** With `stands` as an entry under this very name, which a folder has to replace. */
  whiteout(path: string, { stands }: { readonly stands: boolean }): void {
    if (!this.#whiteouts.has(path)) this.#keep(path);
    this.#whiteouts.add(path);
    if (stands && !this.isFolder(path)) this.#standing.add(path);
  }

  /**
   * Folders of which the archive said nothing, in the order they were needed. The root is none of them, nor is what
   * takes the place of something that was declared removed: it has nothing below.
   */
  impliedFolders(): string[] {
    const implied: string[] = [];
    for (const [path, place] of this.#places) {
      if (path !== '' && place === 'implied' && !this.#isNew(path)) implied.push(path);
    }
    return implied;
  }

  #isNew(path: string): boolean {
    if (this.#whiteouts.has(path)) return true;
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) {
      if (this.#whiteouts.has(at) || this.#opaque.has(at)) return true;
    }
    return false;
  }

  #set(path: string, place: Place): void {
    if (!this.#places.has(path)) this.#keep(path);
    this.#places.set(path, place);
  }

  #keep(path: string): void {
    // What a string of this length costs in a map, about.
    this.#keptBytes += path.length + 64;
    if (this.#keptBytes > MAX_KEPT_BYTES) throw errors.tooManyFolders();
  }

  /** With all below it, for a file has taken its place. Rare, and the only search. */
  #forget(path: string): void {
    for (const known of [...this.#places.keys()]) {
      if (known === path || known.startsWith(`${path}/`)) this.#places.delete(known);
    }
  }
}

/** The folder a path is in: '' for the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}
