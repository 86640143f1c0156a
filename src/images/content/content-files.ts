/**
 * The files of the content store: where they are, and how one gets its name or loses it.
 *
 * `blobs/<algorithm>/<hex>` are whole, `ingest/<sha256 of the key>` partial, `trash/` waits for being unlinked. All of
 * it is closed to other users: layers hold other people's secrets.
 */
import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { because, type Digest, digestParts, errnoCode, formatBytes, messageOf, parseDigest, SkiffError } from '#base';
import { errors } from './errors.ts';

const ALGORITHMS = ['sha256', 'sha512'] as const;

export class ContentFiles {
  readonly #root: string;

  /** Makes the folders. */
  constructor(root: string) {
    this.#root = root;
    for (const folder of [...ALGORITHMS.map((name) => `blobs/${name}`), 'ingest', 'trash']) {
      mkdirSync(`${root}/${folder}`, { recursive: true, mode: 0o700 });
    }
  }

  blob(digest: Digest): string {
    const { algorithm, hex } = digestParts(digest);
    return `${this.#root}/blobs/${algorithm}/${hex}`;
  }

  /** Keys are of the caller's choosing, so their hash is the name. */
  ingest(key: string): string {
    return `${this.#root}/ingest/${hash('sha256', key, 'hex')}`;
  }

  /** What is in the folders of blobs; `digest` is undefined for a name that is none. */
  blobs(): { readonly path: string; readonly digest: Digest | undefined }[] {
    return ALGORITHMS.flatMap((algorithm) =>
      readdirSync(`${this.#root}/blobs/${algorithm}`).map((name) => ({
        path: `${this.#root}/blobs/${algorithm}/${name}`,
        digest: parseDigest(`${algorithm}:${name}`),
      })),
    );
  }

  /** Paths of all partial files. */
  ingests(): string[] {
    return readdirSync(`${this.#root}/ingest`).map((name) => `${this.#root}/ingest/${name}`);
  }

  /**
   * Takes a file's name away at once; its bytes go when the caller removes what this gives, since unlinking a large
   * file takes long. Undefined when there was none.
   */
  takeAway(path: string): string | undefined {
    const trash = `${this.#root}/trash/${randomBytes(12).toString('hex')}`;
    try {
      renameSync(path, trash);
      return trash;
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** What a crash left to be unlinked. */
  emptyTrash(): void {
    for (const name of readdirSync(`${this.#root}/trash`)) {
      rmSync(`${this.#root}/trash/${name}`, { recursive: true, force: true });
    }
  }
}

/** Removes files; what is missing is no error. */
export async function removeFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { recursive: true, force: true });
}

/** Makes the names in a file's folder survive a power cut. */
export async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What the kernel refused, as `content.noSpace` or `content.cannotWrite`. */
export function writeError(path: string, error: unknown): Error {
  if (error instanceof SkiffError) return error;
  const isFull = ['ENOSPC', 'EDQUOT'].includes(errnoCode(error) ?? '');
  return because(
    isFull ? errors.noSpace(path, freeSpace(dirname(path))) : errors.cannotWrite(path, messageOf(error)),
    error,
  );
}

function freeSpace(folder: string): string {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return formatBytes(bavail * bsize);
  } catch {
    return 'an unknown amount';
  }
}
