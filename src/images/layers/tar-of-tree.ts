/**
 * The tar of a tree, from what the helper says of it. Pure but for its input; the same tree always gives the same bytes:
 * names in byte order, no access times, no user names, no holes (a hole is written as the zeros it reads as).
 */
import { S_IF, type TreeEntry, type WalkRecord } from '#linux';
import {
  type ByteString,
  byteString,
  encodeTarEntry,
  TAR_END,
  type TarEntry,
  type TarEntryType,
  tarPadding,
} from '#wire';

/** Entries to write for one of the tree: itself, under its path; something in its place, something more, or nothing. */
export type Translate = (entry: TarEntry, found: TreeEntry) => readonly TarEntry[];

const TYPES: Readonly<Record<number, TarEntryType>> = {
  [S_IF.REG]: 'file',
  [S_IF.DIR]: 'directory',
  [S_IF.LNK]: 'symlink',
  [S_IF.CHR]: 'character-device',
  [S_IF.BLK]: 'block-device',
  [S_IF.FIFO]: 'fifo',
};

const CHUNK_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/** compat: as Docker, without an entry for the root and without sockets. */
export async function* tarOfTree(records: AsyncIterable<WalkRecord>, translate: Translate): AsyncGenerator<Buffer> {
  let small: Buffer[] = [];
  let smallBytes = 0;
  const batch = function* (bytes: Buffer): Generator<Buffer> {
    small.push(bytes);
    smallBytes += bytes.length;
    if (smallBytes < CHUNK_BYTES) return;
    yield Buffer.concat(small, smallBytes);
    small = [];
    smallBytes = 0;
  };
  let size = 0;
  for await (const record of records) {
    for (const bytes of bytesOf(record)) yield* batch(bytes);
  }
  yield* batch(TAR_END);
  if (smallBytes > 0) yield Buffer.concat(small, smallBytes);

  function* bytesOf(record: WalkRecord): Generator<Buffer> {
    switch (record.type) {
      case 'entry': {
        const entry = tarEntryOf(record.entry);
        size = entry?.size ?? 0;
        for (const translated of entry ? translate(entry, record.entry) : []) yield encodeTarEntry(translated);
        return;
      }
      case 'data':
        yield record.bytes;
        return;
      case 'hole':
        for (let left = record.length; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
        return;
      case 'end':
        yield tarPadding(size);
        return;
      case 'link': {
        const entry = tarEntryOf(record.entry);
        const translated = entry ? translate(entry, record.entry) : [];
        // kernel: whiteouts of an overlay are all the same file. They become marks, which are not.
        const isItself = translated[0]?.path === entry?.path;
        // With all its attributes: Docker gives them to the file again when it unpacks the link.
        const link = { type: 'hard-link', size: 0, linkPath: byteString(record.existing) } as const;
        for (const each of translated) yield encodeTarEntry(isItself ? { ...each, ...link } : each);
      }
    }
  }
}

/** Undefined for what has no place in an archive. */
function tarEntryOf(found: TreeEntry): TarEntry | undefined {
  const type = TYPES[found.mode & S_IF.MASK];
  if (type === undefined || found.path.length === 0) return undefined;
  const isDevice = type === 'character-device' || type === 'block-device';
  return {
    path: byteString(type === 'directory' ? Buffer.concat([found.path, Buffer.from('/')]) : found.path),
    type,
    mode: found.mode & 0o7777,
    uid: found.uid,
    gid: found.gid,
    mtimeNs: found.mtimeNs,
    size: type === 'file' ? found.size : 0,
    linkPath: byteString(found.target),
    devMajor: isDevice ? found.devMajor : 0,
    devMinor: isDevice ? found.devMinor : 0,
    xattrs: xattrsOf(found),
  };
}

/** What belongs to the file and not to this host: no labels of security modules, no marks of overlayfs. */
function xattrsOf({ xattrs }: TreeEntry): Map<ByteString, Buffer> {
  const kept = new Map<ByteString, Buffer>();
  for (const [name, value] of xattrs) {
    const text = byteString(name);
    if (/^(?:user|trusted)\.overlay\.|^security\.(?!capability$)/.test(text)) continue;
    kept.set(text, value);
  }
  return kept;
}
