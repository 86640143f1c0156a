/** ADD of a local archive: what it holds goes into the target instead of the archive itself. */
import { Readable } from 'node:stream';
import { SkiffError } from '#base';
import { archiveBytes } from '#images';
import { type Unpacker, UnpackSink } from '#linux';
import { shown, type TarEntry, TarReader } from '#wire';
import { errors } from '../errors.ts';
import type { OwnerIds } from './owner.ts';
import type { SourceTree } from './source-tree.ts';

const BLOCK = 512;
const UNDOABLE = ['image.unknownCompression', 'image.noDecoder'];

/** False when the file is no archive: then nothing was written, and `begin`, which makes the target, not called. Throws what a damaged one gives. */
export async function unpackInto(
  { unpacker, begin }: { readonly unpacker: Unpacker; readonly begin: () => Promise<void> },
  source: SourceTree,
  path: string,
  target: string,
  owner: OwnerIds | undefined,
): Promise<boolean> {
  if (!(await isArchive(source, path))) return false;
  await begin();
  const sink = new UnpackSink({
    ...{ unpacker, folder: target, owner },
    outside: (name) => errors.badContext(`${name} is outside of its archive`),
    check: refuseOverlayMarks,
  });
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
    if (error instanceof SkiffError && UNDOABLE.includes(error.code)) throw error;
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

/** What overlayfs would take for its own marks: they would hide files, or show others in their place. */
function refuseOverlayMarks(entry: TarEntry): void {
  if (entry.type === 'character-device' && entry.devMajor === 0 && entry.devMinor === 0) {
    throw errors.badContext(`${shown(entry.path)} is a character device 0:0, a mark of the overlay file system`);
  }
  for (const key of entry.xattrs.keys()) {
    if (/^(?:user|trusted)\.overlay\./.test(key)) {
      throw errors.badContext(`${shown(entry.path)} has the attribute ${key}`);
    }
  }
}
