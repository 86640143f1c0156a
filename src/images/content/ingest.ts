/**
 * One partial blob being written: buffered, hashed on the way, and made a blob or kept for going on.
 *
 * Two buffers take turns: while one is on its way to the disk, the other fills. What was written is hashed from the
 * same buffer, so the digest is that of the bytes in the file, whatever the caller does with its chunks.
 */
import { createHash, type Hash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Digest, digestParts, formatTimeNs, nowNs, SkiffError } from '#base';
import type { BlobIndex } from './blob-index.ts';
import { type ContentFiles, syncFolderOf, writeError } from './content-files.ts';
import type { BlobInfo, CommittedBlob, Ingest, IngestOptions } from './content-store.ts';
import { errors } from './errors.ts';
import type { IngestIndex } from './ingest-index.ts';

/** Large enough that a write costs little beside its bytes, small enough to hash without being noticed. */
const BUFFER_BYTES = 512 * 1024;
/** What records need to change on a full disk, and then some. */
const ROOM_BYTES = 1024 * 1024;

export interface IngestParts {
  readonly files: ContentFiles;
  readonly blobs: BlobIndex;
  readonly ingests: IngestIndex;
  /** Told before a blob is recorded that is not synced here. */
  readonly delay: { note(): void } | undefined;
}

type Algorithm = 'sha256' | 'sha512';

/** Opens the partial blob of a key, which is claimed already. Reads what is there, to hash it. */
export async function openIngest(parts: IngestParts, key: string, options: IngestOptions): Promise<Ingest> {
  const path = parts.files.ingest(key);
  const algorithm = options.digest ? digestParts(options.digest).algorithm : (options.algorithm ?? 'sha256');
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'a+', 0o600);
    const hash = createHash(algorithm);
    const heldBytes = await hashFile(file, hash, options.signal);
    const ingest = new DiskIngest({ parts, key, path, file, algorithm, hash, heldBytes, options });
    if (options.sizeBytes !== undefined && heldBytes > options.sizeBytes) await ingest.restart();
    return ingest;
  } catch (error) {
    await file?.close();
    parts.ingests.close(key);
    options.signal?.throwIfAborted();
    throw writeError(path, error);
  }
}

interface IngestState {
  readonly parts: IngestParts;
  readonly key: string;
  readonly path: string;
  readonly file: FileHandle;
  readonly algorithm: Algorithm;
  readonly hash: Hash;
  readonly heldBytes: number;
  readonly options: IngestOptions;
}

class DiskIngest implements Ingest {
  readonly #state: IngestState;
  #hash: Hash;
  #file: FileHandle | undefined;
  /** Whether the key is still this writer's. */
  #isClaimed = true;
  /** Given to the file, or on the way there. */
  #givenBytes: number;
  #buffer: Buffer | undefined;
  #filled = 0;
  #spare: Buffer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(state: IngestState) {
    this.#state = state;
    this.#hash = state.hash;
    this.#file = state.file;
    this.#givenBytes = state.heldBytes;
    this.#note();
  }

  get sizeBytes(): number {
    return this.#givenBytes + this.#filled;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#opened();
    const { options, key } = this.#state;
    if (options.sizeBytes !== undefined && this.sizeBytes + chunk.length > options.sizeBytes) {
      throw errors.tooLarge(nameOf(key, options.digest), options.sizeBytes);
    }
    for (let at = 0; at < chunk.length; ) {
      if (!this.#buffer) {
        this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
        // One or the other: a buffer that is being written must not be filled.
        this.#spare = undefined;
      }
      const part = chunk.subarray(at, at + BUFFER_BYTES - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === BUFFER_BYTES) await this.#send();
    }
  }

  async flush(): Promise<void> {
    this.#opened();
    await this.#send();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
    this.#buffer = undefined;
    this.#spare = undefined;
    this.#note();
  }

  async read(position: number, length: number): Promise<Buffer> {
    const { bytesRead, buffer } = await this.#opened().read(Buffer.allocUnsafe(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  }

  async restart(): Promise<void> {
    const file = this.#opened();
    await this.#writing;
    this.#filled = 0;
    try {
      await file.truncate(0);
    } catch (error) {
      throw writeError(this.#state.path, error);
    }
    this.#givenBytes = 0;
    this.#failure = undefined;
    this.#hash = createHash(this.#state.algorithm);
    this.#note();
  }

  async commit(
    commit: { readonly references?: readonly Digest[]; readonly digest?: Digest } = {},
  ): Promise<CommittedBlob> {
    await this.flush();
    const file = this.#opened();
    const { key, path, parts, options, algorithm } = this.#state;
    const expected = commit.digest ?? options.digest;
    const sizeBytes = this.#givenBytes;
    if (options.sizeBytes !== undefined && sizeBytes !== options.sizeBytes) {
      await this.abort();
      throw errors.wrongSize(nameOf(key, expected), options.sizeBytes, sizeBytes);
    }
    let digest = `${algorithm}:${this.#hash.digest('hex')}` as Digest;
    if (expected && digestParts(expected).algorithm !== algorithm) digest = await digestFile(file, expected);
    if (expected && digest !== expected) {
      await this.abort();
      throw errors.wrongDigest(nameOf(key, undefined), expected, digest);
    }
    options.lease.hold(digest);
    const references = commit.references ?? options.references ?? [];
    try {
      const there = parts.blobs.extend(digest, references);
      if (there) {
        await this.abort();
        return { ...there, isNew: false };
      }
      if (parts.delay) parts.delay.note();
      else await file.sync();
      return await this.#land({ digest, sizeBytes, createdAt: now(), references });
    } catch (error) {
      await this.#close();
      throw writeError(path, error);
    }
  }

  async abort(): Promise<void> {
    const { key, parts } = this.#state;
    if (!this.#isClaimed) return;
    await this.#writing;
    await this.#close();
    parts.ingests.drop(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#file) return;
    // What is still in memory is kept too where it can be; where it cannot, the source sends it again.
    await this.flush().catch(() => this.#lookAgain());
    await this.#close();
  }

  /**
   * The name, the folder's entry, the record: in this order. The lease holds the digest already, so that nobody takes
   * the file for an orphan; another commit of the same bytes may come first.
   */
  async #land(info: BlobInfo): Promise<CommittedBlob> {
    const { key, path, parts } = this.#state;
    const blobPath = parts.files.blob(info.digest);
    renameSync(path, blobPath);
    if (!parts.delay) await syncFolderOf(blobPath);
    const there = parts.blobs.extend(info.digest, info.references);
    if (!there) parts.blobs.add(info, { isDurable: !parts.delay, also: () => parts.ingests.forget(key) });
    else parts.ingests.forget(key);
    this.#isClaimed = false;
    await this.#close();
    return { ...(there ?? info), isNew: there === undefined };
  }

  /** Sends the full buffer on its way when the one before has arrived. */
  async #send(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
    const file = this.#opened();
    const full = this.#buffer;
    if (!full || this.#filled === 0) return;
    const bytes = full.subarray(0, this.#filled);
    this.#buffer = this.#spare;
    this.#spare = undefined;
    this.#filled = 0;
    this.#givenBytes += bytes.length;
    this.#writing = writeAll(file, bytes).then(
      () => {
        this.#spare = full;
        this.#note();
      },
      (error: unknown) => {
        this.#failure = writeError(this.#state.path, error);
      },
    );
    // The disk works meanwhile in a thread of its own.
    this.#hash.update(bytes);
  }

  /**
   * What a failed write has left in the file. On a full disk some of it is given up: records have to be changed for
   * anything to be removed, and the source can send it again.
   */
  async #lookAgain(): Promise<void> {
    const file = this.#opened();
    const { size } = await file.stat();
    const isFull = this.#failure instanceof SkiffError && this.#failure.code === 'content.noSpace';
    this.#givenBytes = isFull ? Math.max(0, size - ROOM_BYTES) : size;
    if (isFull) await file.truncate(this.#givenBytes);
    this.#filled = 0;
    this.#note();
  }

  #note(): void {
    this.#state.parts.ingests.note(this.#state.key, this.#givenBytes, now());
  }

  #opened(): FileHandle {
    if (!this.#file) throw new Error(`the ingest '${this.#state.key}' has ended`);
    return this.#file;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#buffer = undefined;
    this.#spare = undefined;
    await file?.close();
    if (this.#isClaimed) this.#state.parts.ingests.close(this.#state.key);
    this.#isClaimed = false;
  }
}

const nameOf = (key: string, digest: Digest | undefined): string => (digest ? `blob ${digest}` : `'${key}'`);
const now = (): string => formatTimeNs(nowNs());

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

/** Feeds a hash with a whole file, part by part. Gives its size. */
export async function hashFile(file: FileHandle, hash: Hash, signal: AbortSignal | undefined): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  for (let at = 0; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return at;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

async function digestFile(file: FileHandle, like: Digest): Promise<Digest> {
  const { algorithm } = digestParts(like);
  const hash = createHash(algorithm);
  await hashFile(file, hash, undefined);
  return `${algorithm}:${hash.digest('hex')}` as Digest;
}
