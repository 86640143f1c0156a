/** What the helper's mode `pack` says of a tree: bytes to values (native/README.md, "Pack"). */
import { BytesReader, SkiffError } from '#base';

/** Numbers of native/src/protocol.h; a test compares them. */
export const packRecord = { entry: 1, data: 2, hole: 3, end: 4, link: 5, missing: 6, done: 7 } as const;
export const packRequest = { walk: 1, stat: 2 } as const;
/** Flag of a request: the content of files follows them. */
export const PACK_CONTENT = 1;
export const PACK_SKIP_KERNEL = 2;

export interface TreeEntry {
  /** Relative, empty for the root. Names are bytes. */
  readonly path: Buffer;
  /** Type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Target of a symlink, else empty. */
  readonly target: Buffer;
  readonly xattrs: readonly (readonly [name: Buffer, value: Buffer])[];
}

export type TreeRecord =
  | { readonly type: 'entry'; readonly entry: TreeEntry }
  /** The next bytes of the file before; perhaps fewer than the helper has sent in one piece. */
  | { readonly type: 'data'; readonly bytes: Buffer }
  | { readonly type: 'hole'; readonly length: number }
  /** The file before is complete: content adds up to its size. */
  | { readonly type: 'end' }
  /** Another name of a file that came before. */
  | { readonly type: 'link'; readonly entry: TreeEntry; readonly existing: Buffer }
  | { readonly type: 'missing' }
  /** The request is answered: errno and what it was about. */
  | { readonly type: 'done'; readonly errno: number; readonly detail: string };

const HEAD_BYTES = 8;
/** No record but data is longer, and the helper sends no longer data. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Takes records out of chunks. What `data` records hold are views of the chunks. */
export class TreeRecordSplitter {
  /** Of a record that is not complete. */
  #held: Buffer = Buffer.alloc(0);
  /** Of a data record, still to come. */
  #dataLeft = 0;

  /** Throws `bytes.short` and `tree.badRecord` for what is no record. */
  *push(chunk: Buffer): Generator<TreeRecord> {
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      if (this.#dataLeft > 0 && rest.length > 0) {
        const bytes = rest.subarray(0, this.#dataLeft);
        this.#dataLeft -= bytes.length;
        rest = rest.subarray(bytes.length);
        yield { type: 'data', bytes };
      }
      if (rest.length < HEAD_BYTES) break;
      const kind = rest.readUInt16LE(0);
      const length = rest.readUInt32LE(4);
      if (length > MAX_BYTES) throw badRecord(`a record of ${length} bytes`);
      if (kind === packRecord.data) {
        this.#dataLeft = length;
        rest = rest.subarray(HEAD_BYTES);
        continue;
      }
      if (rest.length < HEAD_BYTES + length) break;
      const record = decode(kind, new BytesReader(rest.subarray(HEAD_BYTES, HEAD_BYTES + length)));
      rest = rest.subarray(HEAD_BYTES + length);
      yield record;
    }
    this.#held = rest;
  }
}

function decode(kind: number, reader: BytesReader): TreeRecord {
  const record = decodeBody(kind, reader);
  if (reader.left > 0) throw badRecord(`${reader.left} bytes behind a record of kind ${kind}`);
  return record;
}

function decodeBody(kind: number, reader: BytesReader): TreeRecord {
  switch (kind) {
    case packRecord.entry:
      return { type: 'entry', entry: decodeEntry(reader) };
    case packRecord.hole:
      return { type: 'hole', length: sizeIn(reader) };
    case packRecord.end:
      return { type: 'end' };
    case packRecord.link:
      return { type: 'link', existing: reader.bytes(), entry: decodeEntry(reader) };
    case packRecord.missing:
      return { type: 'missing' };
    case packRecord.done:
      return { type: 'done', errno: reader.u32(), detail: reader.string() };
    default:
      throw badRecord(`a record of kind ${kind}`);
  }
}

function decodeEntry(reader: BytesReader): TreeEntry {
  const path = reader.bytes();
  const mode = reader.u32();
  const uid = reader.u32();
  const gid = reader.u32();
  const size = sizeIn(reader);
  const mtimeNs = BigInt.asIntN(64, reader.u64()) * 1_000_000_000n + BigInt(reader.u32());
  const devMajor = reader.u32();
  const devMinor = reader.u32();
  const target = reader.bytes();
  const xattrs: [Buffer, Buffer][] = [];
  for (let count = reader.u32(); count > 0; count -= 1) xattrs.push([reader.bytes(), reader.bytes()]);
  return { path, mode, uid, gid, size, mtimeNs, devMajor, devMinor, target, xattrs };
}

function sizeIn(reader: BytesReader): number {
  const size = reader.u64();
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw badRecord(`a size of ${size} bytes`);
  return Number(size);
}

const badRecord = (what: string): SkiffError =>
  new SkiffError('internal', 'tree.badRecord', `the native helper sent what is no record of a tree: ${what}`);
