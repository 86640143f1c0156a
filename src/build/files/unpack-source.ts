/** ADD of a local archive: what it holds goes into the target instead of the archive itself. */
import { Readable } from 'node:stream';
import { SkiffError } from '#base';
import { archiveBytes } from '#images';
import { type FileAttributes, S_IF, type Unpacker } from '#linux';
import { bytesOf, shown, type TarEntry, TarReader, type TarSink } from '#wire';
import { errors } from '../errors.ts';
import type { OwnerIds } from './owner.ts';
import type { SourceTree } from './source-tree.ts';

const BLOCK = 512;

/** False when the file is no archive: then nothing was written. Throws what a damaged one gives. */
export async function unpackInto(
  { unpacker }: { readonly unpacker: Unpacker },
  source: SourceTree,
  path: string,
  target: string,
  owner: OwnerIds | undefined,
): Promise<boolean> {
  if (!(await isArchive(source, path))) return false;
  const sink = new ArchiveSink(unpacker, target, owner);
  const reader = new TarReader(sink);
  for await (const chunk of archiveBytes(Readable.from(source.content(path), { objectMode: false }))) {
    reader.push(chunk);
    await unpacker.ready();
  }
  reader.end();
  return true;
}

/** compat: what a compressed file holds decides too; one that only looks compressed is copied as it is. */
async function isArchive(source: SourceTree, path: string): Promise<boolean> {
  try {
    let head = Buffer.alloc(0);
    for await (const chunk of archiveBytes(Readable.from(source.content(path), { objectMode: false }))) {
      head = Buffer.concat([head, chunk]);
      if (head.length >= BLOCK) break;
    }
    return head.length >= BLOCK && looksLikeTar(head.subarray(0, BLOCK));
  } catch (error) {
    // What it is compressed with is known, but not how to undo it: taking it for a plain file would be wrong.
    if (error instanceof SkiffError && error.code === 'image.unknownCompression') throw error;
    if (error instanceof SkiffError && error.kind === 'invalid') return false;
    throw error;
  }
}

/** The sum of a header's bytes, its own field taken as spaces. spec: POSIX ustar. */
function looksLikeTar(block: Buffer): boolean {
  const written = Number.parseInt(block.toString('latin1', 148, 156).replaceAll(/[\0 ]/g, ''), 8);
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return sum === written;
}

const TYPE_BITS = { 'character-device': S_IF.CHR, 'block-device': S_IF.BLK, fifo: S_IF.FIFO } as const;

class ArchiveSink implements TarSink {
  readonly #unpacker: Unpacker;
  readonly #target: string;
  readonly #owner: OwnerIds | undefined;

  constructor(unpacker: Unpacker, target: string, owner: OwnerIds | undefined) {
    this.#unpacker = unpacker;
    this.#target = target;
    this.#owner = owner;
  }

  entry(entry: TarEntry): void {
    const name = insideName(entry);
    if (name === '' && entry.type === 'directory') return;
    if (name === '') throw errors.badContext(`${shown(entry.path)} has no name`);
    const path = this.#pathOf(name);
    if (entry.type === 'hard-link') {
      this.#unpacker.link(path, this.#pathOf(insideName({ ...entry, path: entry.linkPath })));
      return;
    }
    for (const [key, value] of entry.xattrs) {
      if (/^(?:user|trusted)\.overlay\./.test(key))
        throw errors.badContext(`${shown(entry.path)} has the attribute ${key}`);
      this.#unpacker.xattr(bytesOf(key), Buffer.from(value), { optional: key !== 'security.capability' });
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
    const { uid, gid } = this.#owner ?? entry;
    const attributes: FileAttributes = { mode: entry.mode, uid, gid, mtimeNs: entry.mtimeNs };
    if (entry.type === 'directory') this.#unpacker.dir(path, attributes);
    else if (entry.type === 'file') this.#unpacker.file(path, attributes, entry.size);
    else if (entry.type === 'symlink') this.#unpacker.symlink(path, bytesOf(entry.linkPath), attributes);
    else if (entry.type !== 'hard-link') {
      const { devMajor, devMinor } = entry;
      if (entry.type === 'character-device' && devMajor === 0 && devMinor === 0) {
        throw errors.badContext(`${shown(entry.path)} is a character device 0:0, a mark of the overlay file system`);
      }
      this.#unpacker.node(path, { ...attributes, mode: entry.mode | TYPE_BITS[entry.type] }, devMajor, devMinor);
    }
  }

  #pathOf(name: string): Buffer {
    return Buffer.from(this.#target === '' ? name : `${this.#target}/${name}`, 'latin1');
  }
}

function insideName({ path }: TarEntry): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) throw errors.badContext(`${shown(path)} is outside of its archive`);
  }
  return names.join('/');
}
