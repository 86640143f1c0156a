/** From the entries of an archive to records of the unpacker: everything below one folder, names as they are. */
import { type FileAttributes, S_IF, type Unpacker } from '#linux';
import { bytesOf, shown, type TarEntry, type TarSink } from '#wire';
import { errors } from '../errors.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const TYPE_BITS = { 'character-device': S_IF.CHR, 'block-device': S_IF.BLK, fifo: S_IF.FIFO } as const;

/** Await the unpacker's `ready` between pushes. `owner` takes the place of the archive's owners. */
export class CopySink implements TarSink {
  readonly #unpacker: Unpacker;
  readonly #folder: string;
  readonly #owner: Owner | undefined;

  constructor(unpacker: Unpacker, folder: string, owner: Owner | undefined) {
    this.#unpacker = unpacker;
    this.#folder = folder;
    this.#owner = owner;
  }

  /** Throws `container.outside` for names that lead out of the folder. */
  entry(entry: TarEntry): void {
    const name = insideName(entry.path);
    // compat: the folder itself stays as it is.
    if (name === '' && entry.type === 'directory') return;
    if (name === '') throw errors.outside(shown(entry.path));
    const path = this.#pathOf(name);
    if (entry.type === 'hard-link') {
      this.#unpacker.link(path, this.#pathOf(insideName(entry.linkPath)));
      return;
    }
    for (const [key, value] of entry.xattrs) {
      this.#unpacker.xattr(bytesOf(key), value, { optional: key !== 'security.capability' });
    }
    this.#make(path, entry);
  }

  data(bytes: Buffer): void {
    this.#unpacker.data(bytes);
  }

  hole(length: number): void {
    this.#unpacker.hole(length);
  }

  end(): void {
    this.#unpacker.end();
  }

  #make(path: Buffer, entry: TarEntry): void {
    const { mode, mtimeNs, devMajor, devMinor } = entry;
    const { uid, gid } = this.#owner ?? entry;
    const attributes: FileAttributes = { mode, uid, gid, mtimeNs };
    switch (entry.type) {
      case 'directory':
        return this.#unpacker.dir(path, attributes);
      case 'file':
        return this.#unpacker.file(path, attributes, entry.size);
      case 'symlink':
        return this.#unpacker.symlink(path, bytesOf(entry.linkPath), attributes);
      case 'character-device':
      case 'block-device':
      case 'fifo':
        return void this.#unpacker.node(
          path,
          { ...attributes, mode: mode | TYPE_BITS[entry.type] },
          devMajor,
          devMinor,
        );
      case 'hard-link':
        return undefined;
    }
  }

  #pathOf(name: string): Buffer {
    return Buffer.from(this.#folder === '' ? name : `${this.#folder}/${name}`, 'latin1');
  }
}

/** Without slashes at the ends, `.` and `..`; empty for the folder itself. */
function insideName(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) throw errors.outside(shown(path as TarEntry['path']));
  }
  return names.join('/');
}
