/**
 * Digests of files that clients sent before: a file that has kept its size and its time need not come again to be known.
 *
 * Only in memory: what is forgotten is sent once more.
 */
import type { TarEntry } from '#wire';

/** Of all folders together; one takes about 300 bytes. */
const MOST_FILES = 100_000;
const MOST_FOLDERS = 64;
/** What changes again within a tick of the file system's clock keeps its time. */
const TICK_NS = 100_000_000n;
const SECOND_NS = 1_000_000_000n;

type Facts = Pick<TarEntry, 'path' | 'size' | 'mtimeNs'>;

interface Known {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly digest: string;
}

/** The files of one folder of a client's. */
export class KnownFolder {
  readonly #files: Map<string, Known>;
  readonly #askedNs: bigint;

  constructor(files: Map<string, Known>, askedNs: bigint) {
    this.#files = files;
    this.#askedNs = askedNs;
  }

  digestOf({ path, size, mtimeNs }: Facts): string | undefined {
    const known = this.#files.get(path);
    return known?.size === size && known.mtimeNs === mtimeNs ? known.digest : undefined;
  }

  /** A time of whole seconds was set by a program that may set it again; one of just now may not be the last. */
  learn({ path, size, mtimeNs }: Facts, digest: string): void {
    if (mtimeNs % SECOND_NS === 0n || mtimeNs + TICK_NS > this.#askedNs) return this.forget(path);
    if (this.#files.size >= MOST_FILES && !this.#files.has(path)) return;
    this.#files.set(path, { size, mtimeNs, digest });
  }

  forget(path: string): void {
    this.#files.delete(path);
  }
}

export class KnownFiles {
  /** Those used last are at the end. */
  readonly #folders = new Map<string, Map<string, Known>>();

  /** By the client's name for the folder. `askedNs`: before the client looked at the first of its files. */
  folder(key: string, askedNs: bigint): KnownFolder {
    const files = this.#folders.get(key) ?? new Map<string, Known>();
    this.#folders.delete(key);
    this.#folders.set(key, files);
    this.#shrink();
    return new KnownFolder(files, askedNs);
  }

  #shrink(): void {
    let count = 0;
    for (const files of this.#folders.values()) count += files.size;
    for (const [key, files] of this.#folders) {
      if (this.#folders.size <= 1 || (count <= MOST_FILES && this.#folders.size <= MOST_FOLDERS)) return;
      this.#folders.delete(key);
      count -= files.size;
    }
  }
}
