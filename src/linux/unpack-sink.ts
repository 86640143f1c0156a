/** From the entries of an archive to records of the unpacker: everything below one folder, names as they are. */
import { bytesOf, insidePath, shown, type TarEntry, type TarSink } from '#wire';
import { S_IF } from './abi/mount.ts';
import type { FileAttributes, Unpacker } from './unpacker.ts';

export interface UnpackSinkOptions {
  readonly unpacker: Unpacker;
  /** In its folder; empty for the folder itself. */
  readonly folder: string;
  /** In place of the archive's owners. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** The refusal of a name that leads out of the folder, or is none. */
  readonly outside: (path: string) => Error;
  /** Throws for an entry that is not wanted. */
  readonly check?: (entry: TarEntry) => void;
}

const TYPE_BITS = { 'character-device': S_IF.CHR, 'block-device': S_IF.BLK, fifo: S_IF.FIFO } as const;

/** Await the unpacker's `ready` between pushes. */
export class UnpackSink implements TarSink {
  readonly #options: UnpackSinkOptions;

  constructor(options: UnpackSinkOptions) {
    this.#options = options;
  }

  entry(entry: TarEntry): void {
    const { unpacker, check } = this.#options;
    const name = this.#nameOf(entry.path);
    // compat: the folder itself stays as it is.
    if (name === '' && entry.type === 'directory') return;
    if (name === '') throw this.#options.outside(shown(entry.path));
    const path = this.#pathOf(name);
    if (entry.type === 'hard-link') {
      unpacker.link(path, this.#pathOf(this.#nameOf(entry.linkPath)));
      return;
    }
    check?.(entry);
    for (const [key, value] of entry.xattrs) {
      unpacker.xattr(bytesOf(key), Buffer.from(value), { optional: key !== 'security.capability' });
    }
    this.#make(path, entry);
  }

  data(bytes: Buffer): void {
    this.#options.unpacker.data(bytes);
  }

  hole(length: number): void {
    this.#options.unpacker.hole(length);
  }

  end(): void {
    this.#options.unpacker.end();
  }

  #make(path: Buffer, entry: TarEntry): void {
    const { unpacker, owner } = this.#options;
    const { mode, mtimeNs, devMajor, devMinor } = entry;
    const { uid, gid } = owner ?? entry;
    const attributes: FileAttributes = { mode, uid, gid, mtimeNs };
    switch (entry.type) {
      case 'directory':
        return unpacker.dir(path, attributes);
      case 'file':
        return unpacker.file(path, attributes, entry.size);
      case 'symlink':
        return unpacker.symlink(path, bytesOf(entry.linkPath), attributes);
      case 'hard-link':
        return undefined;
      default:
        return void unpacker.node(path, { ...attributes, mode: mode | TYPE_BITS[entry.type] }, devMajor, devMinor);
    }
  }

  #nameOf(path: TarEntry['path']): string {
    const name = insidePath(path);
    if (name === undefined) throw this.#options.outside(shown(path));
    return name;
  }

  #pathOf(name: string): Buffer {
    const { folder } = this.#options;
    return Buffer.from(folder === '' ? name : `${folder}/${name}`, 'latin1');
  }
}
