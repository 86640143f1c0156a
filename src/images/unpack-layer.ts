/**
 * From the entries of an archive to records of the unpacker: what a root file system may hold, and how it is put down.
 *
 * compat: paths are cleaned as Docker does, and what leads out of the root by its own name is refused, not clamped.
 */
import { S_IF, type Unpacker } from '#linux';
import { type ByteString, bytesOf, shown, type TarEntry, type TarSink } from '#wire';
import { errors } from './errors.ts';

/** A sink that fills a folder. Await the unpacker's `ready` between pushes. */
export class LayerSink implements TarSink {
  readonly #unpacker: Unpacker;
  /** The size of the layer: the sum of its files' sizes. */
  sizeBytes = 0;

  constructor(unpacker: Unpacker) {
    this.#unpacker = unpacker;
  }

  /** Throws `image.forbiddenEntry`. */
  entry(entry: TarEntry): void {
    const path = insidePath(entry.path, entry);
    refuseOverlayMarks(path, entry);
    if (entry.type === 'hard-link') {
      const existing = insidePath(entry.linkPath, entry);
      this.#unpacker.link(pathBytes(path), pathBytes(existing));
      return;
    }
    if (path === '' && entry.type !== 'directory') throw refuse(entry, 'only a folder can be the root');
    for (const [name, value] of entry.xattrs) {
      // A file system that has no such attributes is no reason to fail, but a program that loses its rights is.
      this.#unpacker.xattr(bytesOf(name), value, { optional: name !== 'security.capability' });
    }
    this.#make(pathBytes(path), entry);
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
    const { type, devMajor, devMinor } = entry;
    switch (type) {
      case 'file':
        this.sizeBytes += entry.size;
        return this.#unpacker.file(path, entry, entry.size);
      case 'directory':
        return this.#unpacker.dir(path, entry);
      case 'symlink':
        return this.#unpacker.symlink(path, bytesOf(entry.linkPath), entry);
      case 'character-device':
      case 'block-device': {
        const bits = type === 'character-device' ? S_IF.CHR : S_IF.BLK;
        return this.#unpacker.node(path, { ...entry, mode: entry.mode | bits }, devMajor, devMinor);
      }
      case 'fifo':
        return this.#unpacker.node(path, { ...entry, mode: entry.mode | S_IF.FIFO }, 0, 0);
      case 'hard-link':
        return undefined;
    }
  }
}

/** Without slashes at the ends, `.` and `..`; empty for the root. */
function insidePath(path: ByteString, entry: TarEntry): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) throw refuse(entry, `${shown(path)} is outside of the root file system`);
  }
  return names.join('/');
}

/** What overlayfs would take for its own marks: a root file system has none, and in a layer they would hide files. */
function refuseOverlayMarks(path: string, entry: TarEntry): void {
  if (path.startsWith('.wh.') || path.includes('/.wh.')) {
    throw refuse(entry, "names that begin with '.wh.' mark removed files of layers; a root file system has none");
  }
  if (entry.type === 'character-device' && entry.devMajor === 0 && entry.devMinor === 0) {
    throw refuse(entry, 'a character device 0:0 is a mark of the overlay file system');
  }
  for (const name of entry.xattrs.keys()) {
    if (/^(?:trusted|user)\.overlay\./.test(name)) {
      throw refuse(entry, `the extended attribute ${name} is a mark of the overlay file system`);
    }
  }
}

const refuse = (entry: TarEntry, what: string): Error => errors.forbiddenEntry(shown(entry.path), what);

const pathBytes = (path: string): Buffer => Buffer.from(path === '' ? '.' : path, 'latin1');
