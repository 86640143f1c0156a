/**
 * Fills a folder with files, links, nodes, owners and extended attributes through the native helper, which never
 * leaves the folder whatever the names and symlinks say (Node itself has no mknod, setxattr or openat2).
 *
 * Records go one way, batched; the helper answers once, at the end or at the first failure. Paths are bytes.
 */
import { getSystemErrorMap } from 'node:util';
import { BytesReader, BytesWriter, SyscallError } from '#base';
import { helperPath, spawnUnpack } from './native-helper.ts';

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
  dir(path: Buffer, attributes: FileAttributes): void;
  /** Followed by `data` and `hole` that add up to the size, then `end`. */
  file(path: Buffer, attributes: FileAttributes, size: number): void;
  data(bytes: Buffer): void;
  hole(length: number): void;
  end(): void;
  symlink(path: Buffer, target: Buffer, attributes: Omit<FileAttributes, 'mode'>): void;
  /** A hard link to what is there already. */
  link(path: Buffer, existing: Buffer): void;
  node(path: Buffer, attributes: FileAttributes, major: number, minor: number): void;
  /** For the dir, file, symlink or node that follows; optional ones may be refused by the file system. */
  xattr(name: Buffer, value: Buffer, options: { readonly optional: boolean }): void;
  /** With everything below; what is missing is no error. */
  remove(path: Buffer): void;
  /** Resolves when the helper has caught up enough to take more; rejects as `finish` when it has failed. */
  ready(): Promise<void>;
  /** Waits until everything is done. Rejects with a `SyscallError` naming record, path and errno. */
  finish(): Promise<void>;
}

export interface UnpackerOptions {
  /** The helper's program, where it is not the usual one. */
  readonly program?: string;
}

const BATCH_BYTES = 256 * 1024;
/** Content from here on is sent without being copied into a batch. */
const LARGE_BYTES = 32 * 1024;
/** The helper takes no longer records. */
const MAX_DATA_BYTES = 1024 * 1024;
/** Unsent bytes above which `ready` waits, and below which it goes on. */
const FULL_BYTES = 4 * MAX_DATA_BYTES;
const LOW_BYTES = MAX_DATA_BYTES;
const OPTIONAL = 1;

/** Starts filling an existing folder. Leaving it without `finish` ends the helper where it is. */
export function openUnpacker(directory: string, options: UnpackerOptions = {}): Unpacker {
  return new HelperUnpacker(directory, options.program ?? helperPath());
}

class HelperUnpacker implements Unpacker {
  readonly #directory: string;
  readonly #child: ReturnType<typeof spawnUnpack>;
  /** How it ended: undefined for well, or the failure. */
  readonly #ended: Promise<Error | undefined>;
  #isRunning = true;
  #batch = new BytesWriter(BATCH_BYTES);
  #wake: (() => void) | undefined;

  constructor(directory: string, program: string) {
    this.#directory = directory;
    this.#child = spawnUnpack(directory, program);
    const report: Buffer[] = [];
    this.#child.stdout.on('data', (chunk: Buffer) => report.push(chunk));
    // A helper that has failed closes its end; its report says why.
    this.#child.stdin.on('error', () => {});
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.#ended = promise;
    const end = (failure: Error | undefined): void => {
      this.#isRunning = false;
      resolve(failure);
      this.#wake?.();
    };
    this.#child.once('error', (error) => end(error));
    this.#child.once('close', (code, signal) =>
      end(this.#failureIn(Buffer.concat(report), signal ?? `status ${code}`)),
    );
  }

  dir(path: Buffer, attributes: FileAttributes): void {
    this.#record(unpackRecord.dir, (batch) => withAttributes(batch.bytes(path), attributes));
  }

  file(path: Buffer, attributes: FileAttributes, size: number): void {
    this.#record(unpackRecord.file, (batch) => withAttributes(batch.bytes(path), attributes).u64(size));
  }

  data(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += MAX_DATA_BYTES) {
      const piece = bytes.subarray(at, at + MAX_DATA_BYTES);
      this.#batch.u16(unpackRecord.data).u16(0).u32(piece.length);
      if (piece.length < LARGE_BYTES) {
        this.#batch.raw(piece);
        this.#flushWhenLarge();
      } else {
        this.#flush();
        this.#send(piece);
      }
    }
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

  link(path: Buffer, existing: Buffer): void {
    this.#record(unpackRecord.link, (batch) => batch.bytes(path).bytes(existing));
  }

  node(path: Buffer, { mode, uid, gid, mtimeNs }: FileAttributes, major: number, minor: number): void {
    this.#record(unpackRecord.node, (batch) => {
      withTime(batch.bytes(path).u32(mode).u32(uid).u32(gid).u32(major).u32(minor), mtimeNs);
    });
  }

  xattr(name: Buffer, value: Buffer, options: { readonly optional: boolean }): void {
    const flags = options.optional ? OPTIONAL : 0;
    this.#record(unpackRecord.xattr, (batch) => batch.bytes(name).bytes(value), flags);
  }

  remove(path: Buffer): void {
    this.#record(unpackRecord.remove, (batch) => batch.bytes(path));
  }

  async ready(): Promise<void> {
    if (this.#isRunning && this.#child.stdin.writableLength > FULL_BYTES) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (!this.#isRunning) await this.#throwFailure();
  }

  async finish(): Promise<void> {
    this.#flush();
    this.#child.stdin.end();
    await this.#throwFailure();
  }

  /** Ends the helper if it is still at work, and waits for its end: afterwards nobody writes into the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isRunning) return;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #throwFailure(): Promise<void> {
    const failure = await this.#ended;
    if (failure) throw failure;
  }

  #record(kind: number, write: (batch: BytesWriter) => void, flags = 0): void {
    const batch = this.#batch.u16(kind).u16(flags).u32(0);
    const start = batch.length;
    write(batch);
    batch.patchU32(start - 4, batch.length - start);
    this.#flushWhenLarge();
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

  /** Decodes the report: u32 errno, u32 record index, bytes detail. */
  #failureIn(report: Buffer, how: string): Error | undefined {
    if (report.length < 12) {
      return new Error(`the native helper ended (${how}) while it was filling ${this.#directory}`);
    }
    const reader = new BytesReader(report);
    const errno = reader.u32();
    const index = reader.u32();
    if (errno === 0) return undefined;
    return new SyscallError(`unpack record ${index} in ${this.#directory}`, errnoName(errno), reader.string());
  }
}

function withAttributes(batch: BytesWriter, { mode, uid, gid, mtimeNs }: FileAttributes): BytesWriter {
  return withTime(batch.u32(mode).u32(uid).u32(gid), mtimeNs);
}

/** Seconds and nanoseconds of a struct timespec: the nanoseconds count up from the second, before 1970 too. */
function withTime(batch: BytesWriter, timeNs: bigint): BytesWriter {
  const ns = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return batch.u64((timeNs - ns) / 1_000_000_000n).u32(Number(ns));
}

function errnoName(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`;
}
