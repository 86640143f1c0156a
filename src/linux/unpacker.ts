/**
 * Fills a folder with files, links, nodes, owners and extended attributes through the native helper, which never
 * leaves the folder whatever the names and symlinks say (Node itself has no mknod, setxattr or openat2).
 *
 * Records go one way, batched; the helper answers once, at the end or at the first failure. Paths are bytes.
 */
import { BytesReader, BytesWriter, SyscallError } from '#base';
import { errnoName } from './errno-name.ts';
import { helperPath } from './helper-path.ts';
import { spawnUnpack } from './helper-modes.ts';

/** Numbers of native/src/protocol.h; a test compares them. */
export const unpackRecord = {
  dir: 1,
  file: 2,
  data: 3,
  hole: 4,
  end: 5,
  symlink: 6,
  link: 7,
  node: 8,
  xattr: 9,
  remove: 10,
  copy: 11,
  sync: 12,
  clone: 13,
} as const;

export interface FileAttributes {
  /** Permission bits; for nodes the type bits too. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
}

/**
 * Methods only take a record; await `ready` every now and then, or memory grows. Buffers given to `data` must not be
 * changed before `finish`. What exists under a path is replaced; a folder by a folder is kept.
 */
export interface Unpacker extends AsyncDisposable {
  /** With `keep` a folder that is there keeps its attributes, and gets only the extended ones. */
  dir(path: Buffer, attributes: FileAttributes, options?: { readonly keep: boolean }): void;
  /** Followed by `data`, `copy` and `hole` that add up to the size, or `clone`, then `end`. */
  file(path: Buffer, attributes: FileAttributes, size: number): void;
  data(bytes: Buffer): void;
  /** Content out of the file the unpacker was opened with. */
  copy(offset: number, length: number): void;
  /**
   * All the content of a file of the folder the unpacker was opened with, by its path there: shared where the file system
   * can, else copied with its holes. A file of another size than announced fails with ESTALE.
   */
  clone(path: Buffer): void;
  hole(length: number): void;
  end(): void;
  symlink(path: Buffer, target: Buffer, attributes: Omit<FileAttributes, 'mode'>): void;
  /**
   * A hard link to what is there already. With `leaveOut` one to what is not there is left out, and `finish` tells.
   * Gives the number of the record.
   */
  link(path: Buffer, existing: Buffer, options?: { readonly leaveOut: boolean }): number;
  /** With `unlessThere` what exists under the path stays. */
  node(
    path: Buffer,
    attributes: FileAttributes,
    major: number,
    minor: number,
    options?: { readonly unlessThere: boolean },
  ): void;
  /** For the dir, file, symlink or node that follows; optional ones may be refused by the file system. */
  xattr(name: Buffer, value: Buffer, options: { readonly optional: boolean }): void;
  /** With everything below; what is missing is no error. */
  remove(path: Buffer): void;
  /** Everything so far is on the disk, and would be after a power cut. */
  sync(): void;
  /** Resolves when the helper has caught up enough to take more; rejects as `finish` when it has failed. */
  ready(): Promise<void>;
  /**
   * Waits until everything is done; gives the numbers of the links that were left out. Rejects with a `SyscallError`
   * naming record, path and errno.
   */
  finish(): Promise<readonly number[]>;
}

export interface UnpackerOptions {
  /** The helper's program, where it is not the usual one. */
  readonly program?: string;
  /** The open file that `copy` copies from, or folder that `clone` does. It stays the caller's. */
  readonly source?: number;
  /** An overlay of these, writable, instead of the folder. */
  readonly overlayOptions?: readonly string[];
  /** This open folder instead. It stays the caller's. */
  readonly root?: number;
  /** Neither a folder is replaced by something else, nor something else by a folder: EISDIR and ENOTDIR. */
  readonly sameKind?: boolean;
}

const BATCH_BYTES = 256 * 1024;
/** Content from here on is sent without being copied into a batch. */
const LARGE_BYTES = 32 * 1024;
/** The helper takes no longer records. */
const MAX_DATA_BYTES = 1024 * 1024;
/** Unsent bytes above which `ready` waits, and below which it goes on. */
const FULL_BYTES = 4 * MAX_DATA_BYTES;
const LOW_BYTES = MAX_DATA_BYTES;
/** Flags of records, each of one kind. */
const XATTR_OPTIONAL = 1;
const DIR_KEEP = 1;
const LINK_LEAVE_OUT = 1;
const NODE_UNLESS_THERE = 1;
/** Of every record that makes an entry. */
const SAME_KIND = 0x80;
const entryKinds: readonly number[] = [
  unpackRecord.dir,
  unpackRecord.file,
  unpackRecord.symlink,
  unpackRecord.link,
  unpackRecord.node,
];

/** Starts filling an existing folder. Leaving it without `finish` ends the helper where it is. */
export function openUnpacker(directory: string, options: UnpackerOptions = {}): Unpacker {
  return new HelperUnpacker(directory, options);
}

class HelperUnpacker implements Unpacker {
  readonly #directory: string;
  readonly #child: ReturnType<typeof spawnUnpack>;
  readonly #ended: Promise<Outcome>;
  readonly #flags: number;
  #isRunning = true;
  #batch = new BytesWriter(BATCH_BYTES);
  #wake: (() => void) | undefined;
  #records = 0;

  constructor(directory: string, { program, source, overlayOptions, root, sameKind }: UnpackerOptions) {
    this.#directory = directory;
    this.#flags = sameKind === true ? SAME_KIND : 0;
    const tree = {
      folder: directory,
      ...(overlayOptions ? { overlayOptions } : {}),
      ...(root === undefined ? {} : { root }),
    };
    this.#child = spawnUnpack(tree, program ?? helperPath(), source);
    const report: Buffer[] = [];
    this.#child.stdout.on('data', (chunk: Buffer) => report.push(chunk));
    // A helper that has failed closes its end; its report says why.
    this.#child.stdin.on('error', () => {});
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#ended = promise;
    const end = (outcome: Outcome): void => {
      this.#isRunning = false;
      resolve(outcome);
      this.#wake?.();
    };
    this.#child.once('error', (failure) => end({ failure }));
    this.#child.once('close', (code, signal) =>
      end(this.#outcomeIn(Buffer.concat(report), signal ?? `status ${code}`)),
    );
  }

  dir(path: Buffer, attributes: FileAttributes, options?: { readonly keep: boolean }): void {
    const flags = options?.keep === true ? DIR_KEEP : 0;
    this.#record(unpackRecord.dir, (batch) => withAttributes(batch.bytes(path), attributes), flags);
  }

  file(path: Buffer, attributes: FileAttributes, size: number): void {
    this.#record(unpackRecord.file, (batch) => withAttributes(batch.bytes(path), attributes).u64(size));
  }

  data(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += MAX_DATA_BYTES) {
      const piece = bytes.subarray(at, at + MAX_DATA_BYTES);
      this.#batch.u16(unpackRecord.data).u16(0).u32(piece.length);
      this.#records += 1;
      if (piece.length < LARGE_BYTES) {
        this.#batch.raw(piece);
        this.#flushWhenLarge();
      } else {
        this.#flush();
        this.#send(piece);
      }
    }
  }

  copy(offset: number, length: number): void {
    this.#record(unpackRecord.copy, (batch) => batch.u64(offset).u64(length));
  }

  clone(path: Buffer): void {
    this.#record(unpackRecord.clone, (batch) => batch.bytes(path));
  }

  hole(length: number): void {
    this.#record(unpackRecord.hole, (batch) => batch.u64(length));
  }

  end(): void {
    this.#record(unpackRecord.end, () => {});
  }

  symlink(path: Buffer, target: Buffer, attributes: Omit<FileAttributes, 'mode'>): void {
    this.#record(unpackRecord.symlink, (batch) => {
      batch.bytes(path).bytes(target).u32(attributes.uid).u32(attributes.gid);
      withTime(batch, attributes.mtimeNs);
    });
  }

  link(path: Buffer, existing: Buffer, options?: { readonly leaveOut: boolean }): number {
    const flags = options?.leaveOut === true ? LINK_LEAVE_OUT : 0;
    return this.#record(unpackRecord.link, (batch) => batch.bytes(path).bytes(existing), flags);
  }

  node(
    path: Buffer,
    { mode, uid, gid, mtimeNs }: FileAttributes,
    major: number,
    minor: number,
    options?: { readonly unlessThere: boolean },
  ): void {
    const flags = options?.unlessThere === true ? NODE_UNLESS_THERE : 0;
    const write = (batch: BytesWriter): unknown =>
      withTime(batch.bytes(path).u32(mode).u32(uid).u32(gid).u32(major).u32(minor), mtimeNs);
    this.#record(unpackRecord.node, write, flags);
  }

  xattr(name: Buffer, value: Buffer, options: { readonly optional: boolean }): void {
    const flags = options.optional ? XATTR_OPTIONAL : 0;
    this.#record(unpackRecord.xattr, (batch) => batch.bytes(name).bytes(value), flags);
  }

  remove(path: Buffer): void {
    this.#record(unpackRecord.remove, (batch) => batch.bytes(path));
  }

  sync(): void {
    this.#record(unpackRecord.sync, () => {});
  }

  async ready(): Promise<void> {
    if (this.#isRunning && this.#child.stdin.writableLength > FULL_BYTES) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (!this.#isRunning) await this.#outcome();
  }

  async finish(): Promise<readonly number[]> {
    this.#flush();
    this.#child.stdin.end();
    return this.#outcome();
  }

  /** Ends the helper if it is still at work, and waits for its end: afterwards nobody writes into the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isRunning) return;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #outcome(): Promise<readonly number[]> {
    const outcome = await this.#ended;
    if ('failure' in outcome) throw outcome.failure;
    return outcome.leftOut;
  }

  /** Gives the number of the record. */
  #record(kind: number, write: (batch: BytesWriter) => unknown, flags = 0): number {
    const all = entryKinds.includes(kind) ? flags | this.#flags : flags;
    const batch = this.#batch.u16(kind).u16(all).u32(0);
    const start = batch.length;
    write(batch);
    batch.patchU32(start - 4, batch.length - start);
    this.#flushWhenLarge();
    return this.#records++;
  }

  #flushWhenLarge(): void {
    // The rest is room for one more record, so that a batch does not have to grow.
    if (this.#batch.length >= BATCH_BYTES - LARGE_BYTES) this.#flush();
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    const full = this.#batch.done();
    this.#batch = new BytesWriter(BATCH_BYTES);
    this.#send(full);
  }

  #send(bytes: Buffer): void {
    if (!this.#isRunning) return;
    this.#child.stdin.write(bytes, () => {
      if (this.#child.stdin.writableLength <= LOW_BYTES) this.#wake?.();
    });
  }

  /** Decodes the report: u32 errno, u32 record index, bytes detail, list of u32 records left out. */
  #outcomeIn(report: Buffer, how: string): Outcome {
    if (report.length < 16) {
      return { failure: new Error(`the native helper ended (${how}) while it was filling ${this.#directory}`) };
    }
    const reader = new BytesReader(report);
    const errno = reader.u32();
    const index = reader.u32();
    const detail = reader.string();
    if (errno === 0) return { leftOut: Array.from({ length: reader.u32() }, () => reader.u32()) };
    const what = `unpack record ${index} in ${this.#directory}`;
    return { failure: new SyscallError(what, errnoName(errno), detail) };
  }
}

type Outcome = { readonly leftOut: readonly number[] } | { readonly failure: Error };

function withAttributes(batch: BytesWriter, { mode, uid, gid, mtimeNs }: FileAttributes): BytesWriter {
  return withTime(batch.u32(mode).u32(uid).u32(gid), mtimeNs);
}

/** Seconds and nanoseconds of a struct timespec: the nanoseconds count up from the second, before 1970 too. */
function withTime(batch: BytesWriter, timeNs: bigint): BytesWriter {
  const ns = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return batch.u64((timeNs - ns) / 1_000_000_000n).u32(Number(ns));
}
