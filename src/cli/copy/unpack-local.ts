/**
 * A tar of a daemon as files of this machine, below one folder. The archive is a stranger's: no name leads out of the
 * folder, and no symlink, whether it came out of the archive or was there, is followed on the way to a file.
 */
import {
  chmodSync,
  closeSync,
  constants,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { bytesOf, shown, type TarEntry, TarReader, type TarSink } from '#wire';
import { errors, fileError } from '../errors.ts';

export interface UnpackLocal {
  /** An existing folder. */
  readonly folder: string;
  /** The first name of every entry's path is this instead; undefined: as it is. */
  readonly rename?: { readonly from: string; readonly to: string };
  /** Give files the owners of the archive (root only). */
  readonly keepOwners: boolean;
}

/** Throws `cli.invalid` with the file that could not be made, and `tar.*`. What was made before stays. */
export async function unpackLocal(source: AsyncIterable<Buffer>, options: UnpackLocal): Promise<{ bytes: number }> {
  const sink = new LocalSink(options);
  const reader = new TarReader(sink);
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    reader.push(chunk);
  }
  reader.end();
  sink.finish();
  return { bytes };
}

class LocalSink implements TarSink {
  readonly #options: UnpackLocal;
  readonly #folders: { readonly path: string; readonly entry: TarEntry }[] = [];
  #file: { readonly path: string; readonly descriptor: number; readonly entry: TarEntry } | undefined;
  #offset = 0;

  constructor(options: UnpackLocal) {
    this.#options = options;
  }

  entry(entry: TarEntry): void {
    const name = this.#nameOf(entry.path);
    if (name === '') return;
    const path = this.#pathOf(name);
    try {
      this.#make(path, entry);
    } catch (error) {
      if (error instanceof Error && 'syscall' in error) throw fileError('write', path, error);
      throw error;
    }
  }

  data(bytes: Buffer): void {
    const { descriptor, path } = this.#file!;
    try {
      for (let at = 0; at < bytes.length; ) {
        const written = writeSync(descriptor, bytes, at, bytes.length - at, this.#offset);
        at += written;
        this.#offset += written;
      }
    } catch (error) {
      closeSync(descriptor);
      throw fileError('write', path, error);
    }
  }

  hole(length: number): void {
    this.#offset += length;
  }

  end(): void {
    const { descriptor, path, entry } = this.#file!;
    ftruncateSync(descriptor, this.#offset);
    closeSync(descriptor);
    this.#file = undefined;
    this.#describe(path, entry);
  }

  /** Folders get their modes and times last: what is put into them would change the one, and need the other. */
  finish(): void {
    for (const { path, entry } of this.#folders.reverse()) this.#describe(path, entry);
  }

  #make(path: string, entry: TarEntry): void {
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (entry.type === 'directory') {
      if (there && !there.isDirectory()) {
        throw errors.invalid(`cannot overwrite non-directory "${path}" with directory "${path}"`);
      }
      if (!there) mkdirSync(path, { mode: 0o700 });
      this.#folders.push({ path, entry });
      return;
    }
    if (there?.isDirectory()) throw errors.invalid(`cannot overwrite directory "${path}" with non-directory "${path}"`);
    if (there) rmSync(path);
    switch (entry.type) {
      case 'file': {
        const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
        this.#file = { path, descriptor: openSync(path, flags, 0o600), entry };
        this.#offset = 0;
        return;
      }
      case 'symlink':
        symlinkSync(bytesOf(entry.linkPath), path);
        return this.#describe(path, entry);
      case 'hard-link':
        return linkSync(this.#pathOf(this.#nameOf(entry.linkPath)), path);
      default:
        throw errors.invalid(`${path}: a ${entry.type} cannot be made here: copy to "-" and use tar`);
    }
  }

  #describe(path: string, entry: TarEntry): void {
    if (this.#options.keepOwners) lchownSync(path, entry.uid, entry.gid);
    if (entry.type !== 'symlink') chmodSync(path, entry.mode & 0o7777);
    const seconds = Number(entry.mtimeNs) / 1e9;
    lutimesSync(path, seconds, seconds);
  }

  /** Without slashes at the ends, `.` and `..`, renamed; empty for the folder itself. */
  #nameOf(bytes: TarEntry['path']): string {
    const names: string[] = [];
    for (const name of Buffer.from(bytes, 'latin1').toString('utf8').split('/')) {
      if (name === '' || name === '.') continue;
      if (name === '..') throw errors.invalid(`the archive's entry ${shown(bytes)} leads out of its folder`);
      names.push(name);
    }
    const { rename } = this.#options;
    if (!rename) return names.join('/');
    if (rename.from === '' || rename.from === '.' || rename.from === '/') return [rename.to, ...names].join('/');
    if (names[0] === rename.from) names[0] = rename.to;
    return names.join('/');
  }

  /** Every folder on the way has to be one, and is made where there is none. */
  #pathOf(name: string): string {
    const names = name.split('/');
    let path = this.#options.folder;
    for (const each of names.slice(0, -1)) {
      path = `${path}/${each}`;
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (!stats) mkdirSync(path, { mode: 0o755 });
      else if (!stats.isDirectory())
        throw errors.invalid(`${path} is no folder, and what it leads to is not written to`);
    }
    return `${path}/${names.at(-1)!}`;
  }
}
