/**
 * Reads a tar archive as its bytes come, in any pieces: ustar, old GNU, pax, GNU long names, all sparse formats.
 *
 * Pure and synchronous: what is found goes to a sink, content as views of the pushed bytes. Memory is bounded by the
 * largest extended header (1 MiB), whatever the archive claims. Compression is the caller's.
 */
import { type ByteString, byteString, shown, type TarEntry, type TarEntryType } from './entry.ts';
import { errors } from './errors.ts';
import { BLOCK, decodeHeader, isZeroBlock, type TarHeader } from './header.ts';
import { type PaxRecords, parsePax, parsePaxNumber, parsePaxTime, paxXattr } from './pax.ts';
import {
  type Fragment,
  faultOfMap,
  MAX_FRAGMENTS,
  oldGnuSparse,
  oldGnuSparseMore,
  paxSparse,
  SparseMapReader,
} from './sparse.ts';

/** Receives what an archive holds, in its order. What a sink throws comes out of `push`. */
export interface TarSink {
  entry(entry: TarEntry): void;
  /**
   * The next bytes of a file's content: a view, valid until the pushed chunk is used for something else, and where they
   * stand in the archive.
   */
  data(bytes: Buffer, offset: number): void;
  /** The next bytes of a sparse file that are not stored. */
  hole(length: number): void;
  /** A file's content is complete. Called for entries of type `file`, empty ones too. */
  end(): void;
}

/** Extended headers and long names above this are refused. */
const MAX_EXTENDED = 1024 * 1024;
const MAX_PATH = 4096;
/** chown(2) takes the largest u32 as "leave it". */
const MAX_ID = 0xffff_fffe;

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '7': 'file', // contiguous
  S: 'file', // old GNU sparse
  '1': 'hard-link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  D: 'directory', // GNU: with the names it held as data
  '6': 'fifo',
};

/** What the parser waits for: exactly so many bytes, or any number up to so many. Fewer come only at the end. */
type Want = { readonly exactly: number } | { readonly upTo: number };
type Parser<Result> = Generator<Want, Result, Buffer>;

const NOTHING = Buffer.alloc(0);

export class TarReader {
  readonly #sink: TarSink;
  readonly #parser: Parser<void>;
  #want: Want | undefined;
  /** Bytes towards an exact want that came in pieces. */
  #held = NOTHING;
  #heldLength = 0;
  /** Bytes the parser has taken. */
  #offset = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
    this.#parser = this.#archive();
    this.#want = this.#parser.next().value as Want;
  }

  /** Reads on. Bytes behind the end-of-archive mark are ignored. Throws `tar.*`; the reader is then of no more use. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.#want; ) {
      const piece = chunk.subarray(at, at + this.#missing(this.#want));
      at += piece.length;
      this.#take(this.#want, piece);
    }
  }

  /** The input has ended. Throws `tar.truncated` where an entry is not complete, `tar.empty` where there was nothing. */
  end(): void {
    // Every step of the parser meets an end of input with a return or an error.
    while (this.#want) this.#give(this.#held.subarray(0, this.#heldLength));
  }

  #missing(want: Want): number {
    return 'upTo' in want ? want.upTo : want.exactly - this.#heldLength;
  }

  #take(want: Want, piece: Buffer): void {
    if ('upTo' in want || piece.length === want.exactly) return this.#give(piece);
    if (this.#heldLength === 0) this.#held = Buffer.allocUnsafe(want.exactly);
    this.#heldLength += piece.copy(this.#held, this.#heldLength);
    if (this.#heldLength === want.exactly) this.#give(this.#held);
  }

  #give(bytes: Buffer): void {
    this.#held = NOTHING;
    this.#heldLength = 0;
    this.#offset += bytes.length;
    const step = this.#parser.next(bytes);
    this.#want = step.done === true ? undefined : step.value;
  }

  *#archive(): Parser<void> {
    const globals = new Map<ByteString, ByteString>();
    while (yield* this.#member(globals));
  }

  /** One entry with its extended headers and content. False at the end of the archive. */
  *#member(globals: Map<ByteString, ByteString>): Parser<boolean> {
    let records: PaxRecords = [];
    let longName: ByteString | undefined;
    let longLink: ByteString | undefined;
    for (let isFirst = true; ; isFirst = false) {
      const offset = this.#offset;
      const block = yield* this.#header(offset);
      if (!block) {
        if (isFirst) return false;
        throw errors.truncated('an extended header without its entry', offset);
      }
      const header = decodeHeader(block, offset);
      if (header.type === 'x' || header.type === 'X') {
        records = this.#records(yield* this.#extended(header, offset), header, offset);
      } else if (header.type === 'g') {
        const data = yield* this.#extended(header, offset);
        for (const [key, value] of this.#records(data, header, offset)) globals.set(key, value);
      } else if (header.type === 'L') {
        longName = cut(yield* this.#extended(header, offset));
      } else if (header.type === 'K') {
        longLink = cut(yield* this.#extended(header, offset));
      } else if (header.type === 'V') {
        yield* this.#skip(header.size, 'a volume label'); // GNU: the archive's name
      } else {
        yield* this.#entry({ header, block, offset, records, longName, longLink, globals });
        return true;
      }
    }
  }

  /** The next header; undefined at the end mark, or where the input ends between two entries, as others accept it. */
  *#header(offset: number): Parser<Buffer | undefined> {
    const block = yield { exactly: BLOCK };
    if (block.length === 0) {
      if (offset === 0) throw errors.empty();
      return undefined;
    }
    if (block.length < BLOCK) throw offset === 0 ? errors.notTar() : errors.truncated('a header', offset);
    if (!isZeroBlock(block)) return block;
    const second = yield { exactly: BLOCK };
    if (!isZeroBlock(second)) throw errors.header(offset, 'a lone block of zeros');
    return undefined;
  }

  *#extended(header: TarHeader, offset: number): Parser<Buffer> {
    const { size } = header;
    if (size < 0 || size > MAX_EXTENDED) {
      throw errors.header(offset, `extended header of ${size} bytes (at most ${MAX_EXTENDED} are taken)`);
    }
    if (size === 0) return NOTHING;
    // One read with the padding, which the last entry of a cut archive may lack.
    const data = yield { exactly: size + padding(size) };
    if (data.length < size + padding(size)) throw errors.truncated('an extended header', offset);
    return data.subarray(0, size);
  }

  #records(data: Buffer, header: TarHeader, offset: number): PaxRecords {
    const parsed = parsePax(data);
    if ('wrong' in parsed) throw errors.entry(shown(header.name), offset, parsed.wrong);
    return parsed.records;
  }

  *#entry(found: FoundEntry): Parser<void> {
    const { header, block, offset } = found;
    const { entry, storedSize, sparse } = describe(found);
    const refuse = (what: string): Error => errors.entry(shown(entry.path), offset, what);
    let fragments = sparse?.fragments;
    let dataSize = storedSize;
    if (header.type === 'S') fragments = yield* this.#oldGnuMap(block, refuse);
    if (sparse && !fragments) {
      const before = this.#offset;
      fragments = yield* this.#mapBeforeData(storedSize, refuse);
      dataSize -= this.#offset - before;
    }
    if (fragments) {
      const fault = faultOfMap(fragments, entry.size, dataSize);
      if (fault !== undefined) throw refuse(fault);
    }
    this.#sink.entry(entry);
    if (entry.type === 'file') {
      yield* this.#content(entry, fragments ?? [{ offset: 0, length: entry.size }]);
      yield* this.#skip(0, `entry ${shown(entry.path)}`, padding(storedSize));
      this.#sink.end();
    } else {
      yield* this.#skip(storedSize, `entry ${shown(entry.path)}`);
    }
  }

  *#content(entry: TarEntry, fragments: readonly Fragment[]): Parser<void> {
    let at = 0;
    for (const { offset, length } of fragments) {
      if (offset > at) this.#sink.hole(offset - at);
      for (let left = length; left > 0; ) {
        const bytes = yield { upTo: left };
        if (bytes.length === 0) throw errors.truncated(`entry ${shown(entry.path)}`, this.#offset);
        left -= bytes.length;
        this.#sink.data(bytes, this.#offset - bytes.length);
      }
      at = offset + length;
    }
    if (entry.size > at) this.#sink.hole(entry.size - at);
  }

  *#oldGnuMap(block: Buffer, refuse: (what: string) => Error): Parser<Fragment[]> {
    const first = oldGnuSparse(block);
    if (!first) throw refuse('malformed sparse map');
    const fragments = first.fragments;
    for (let isExtended = first.isExtended; isExtended; ) {
      const next = yield { exactly: BLOCK };
      if (next.length < BLOCK) throw errors.truncated('a sparse map', this.#offset);
      const more = oldGnuSparseMore(next);
      if (!more || fragments.length > MAX_FRAGMENTS) throw refuse('malformed sparse map');
      fragments.push(...more.fragments);
      isExtended = more.isExtended;
    }
    return fragments;
  }

  *#mapBeforeData(storedSize: number, refuse: (what: string) => Error): Parser<Fragment[]> {
    const map = new SparseMapReader();
    for (let left = storedSize; left >= BLOCK; left -= BLOCK) {
      const block = yield { exactly: BLOCK };
      if (block.length < BLOCK) throw errors.truncated('a sparse map', this.#offset);
      const isComplete = map.push(block);
      if (isComplete === undefined) break;
      const fragments = isComplete ? map.fragments() : undefined;
      if (fragments) return fragments;
      if (isComplete) break;
    }
    throw refuse('malformed sparse map');
  }

  /**
   * Passes over content nobody wants, to the next block. compat: the last of an archive may lack what fills its block, as of
   * those that Docker's command line sends with a Dockerfile from its input.
   */
  *#skip(size: number, what: string, more = padding(size)): Parser<void> {
    for (let left = size + more; left > 0; ) {
      const bytes = yield { upTo: left };
      if (bytes.length === 0 && left <= more) return;
      if (bytes.length === 0) throw errors.truncated(what, this.#offset);
      left -= bytes.length;
    }
  }
}

interface FoundEntry {
  readonly header: TarHeader;
  readonly block: Buffer;
  readonly offset: number;
  readonly records: PaxRecords;
  readonly longName: ByteString | undefined;
  readonly longLink: ByteString | undefined;
  readonly globals: ReadonlyMap<ByteString, ByteString>;
}

interface Description {
  readonly entry: TarEntry;
  /** Bytes behind the header, without padding. */
  readonly storedSize: number;
  readonly sparse: { readonly fragments: Fragment[] | undefined } | undefined;
}

/** The entry as header, long names and pax records together say. Throws `tar.entry`. */
function describe(found: FoundEntry): Description {
  const { header, block, offset } = found;
  // spec: an empty value takes a global record, or the header's own field, out of force. Of globals only what makes
  // sense for many files is taken.
  const pax = new Map<string, ByteString>();
  for (const key of GLOBAL_KEYS) if (found.globals.has(key)) pax.set(key, found.globals.get(key)!);
  for (const [key, value] of found.records) pax.set(key, value);
  const given = (key: string): ByteString | undefined => pax.get(key) || undefined;

  const sparse = paxSparse(found.records);
  const sparseRecords = typeof sparse === 'object' ? sparse : undefined;
  const path = sparseRecords?.name ?? given('path') ?? found.longName ?? header.name;
  const refuse = (what: string): Error => errors.entry(shown(path.slice(0, MAX_PATH) as ByteString), offset, what);
  if (typeof sparse === 'string') throw refuse(sparse);
  const number = (key: string, own: number, largest = Number.MAX_SAFE_INTEGER): number => {
    const text = given(key);
    const value = text === undefined ? own : parsePaxNumber(text);
    if (value === undefined || value < 0 || value > largest) throw refuse(`${key} ${text ?? own} is out of range`);
    return value;
  };

  const type = typeOf(header, path);
  if (!type) throw refuse(`type ${JSON.stringify(header.type)} is not supported`);
  const isLink = type === 'hard-link' || type === 'symlink';
  const linkPath = isLink ? (given('linkpath') ?? found.longLink ?? header.linkName) : ('' as ByteString);
  for (const name of isLink ? [path, linkPath] : [path]) {
    if (name === '' || name.includes('\0')) throw refuse('a name is empty or holds NUL');
    if (name.length > MAX_PATH) throw refuse(`a name is longer than ${MAX_PATH} bytes`);
  }
  const time = given('mtime');
  const mtimeNs = time === undefined ? BigInt(header.mtime) * 1_000_000_000n : parsePaxTime(time);
  if (mtimeNs === undefined) throw refuse(`mtime ${time} is not a time`);
  // compat: Go's archive/tar and GNU tar take no content for links, devices and folders, whatever their size says.
  const storedSize = type === 'file' || header.type === 'D' ? number('size', header.size) : 0;
  const oldSparse = header.type === 'S' ? oldGnuSparse(block) : undefined;
  const realSize = sparseRecords?.realSize ?? oldSparse?.realSize ?? storedSize;
  const entry: TarEntry = {
    path,
    type,
    mode: header.mode,
    uid: number('uid', header.uid, MAX_ID),
    gid: number('gid', header.gid, MAX_ID),
    mtimeNs,
    size: type === 'file' ? realSize : 0,
    linkPath,
    devMajor: header.devMajor,
    devMinor: header.devMinor,
    xattrs: xattrsOf(found.records),
  };
  return { entry, storedSize, sparse: type === 'file' ? sparseRecords : undefined };
}

const GLOBAL_KEYS = ['uid', 'gid', 'mtime'].map(byteString);

/** Old archives mark a folder by a slash at the end of its name only. */
function typeOf(header: TarHeader, path: ByteString): TarEntryType | undefined {
  const type = Object.hasOwn(TYPES, header.type) ? TYPES[header.type] : undefined;
  return type === 'file' && header.type !== 'S' && path.endsWith('/') ? 'directory' : type;
}

function xattrsOf(records: PaxRecords): Map<ByteString, Buffer> {
  const xattrs = new Map<ByteString, Buffer>();
  for (const [key, value] of records) {
    const xattr = paxXattr(key, value);
    if (xattr) xattrs.set(...xattr);
  }
  return xattrs;
}

/** A long name ends at its first NUL. */
function cut(data: Buffer): ByteString {
  const end = data.indexOf(0);
  return byteString(end < 0 ? data : data.subarray(0, end));
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
