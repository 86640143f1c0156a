/**
 * The bytes of a build context: a small one stays in memory, where a build that finds everything in the cache leaves it; what
 * is large, or what a step copies from, is in a file that has no name any more.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { newContainerId } from '#base';

/** Of one context, and of all that are under way. */
const MOST_BYTES = 32 * 1024 * 1024;
const MOST_OF_ALL_BYTES = 64 * 1024 * 1024;
let ofAllBytes = 0;

export class ContextBytes implements AsyncDisposable {
  readonly #folder: string;
  /** In memory, in their order; none once there is a file. */
  #pieces: Buffer[] = [];
  /** Where each piece begins. */
  #starts: number[] = [];
  #bytes = 0;
  #file: Promise<FileHandle> | undefined;
  #writer: BatchWriter | undefined;

  /** The file is made in the folder, if one is needed. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Where the next piece will be. */
  get length(): number {
    return this.#bytes;
  }

  /**
   * The piece must not be changed any more. A promise is to be waited for before the next, so that memory is bounded.
   * Throws Node's system errors.
   */
  append(piece: Buffer): Promise<void> | undefined {
    const offset = this.#bytes;
    this.#bytes += piece.length;
    if (this.#writer) return this.#writer.write(piece);
    this.#pieces.push(piece);
    this.#starts.push(offset);
    ofAllBytes += piece.length;
    return this.#bytes > MOST_BYTES || ofAllBytes > MOST_OF_ALL_BYTES ? this.#toFile().flush() : undefined;
  }

  /** What was appended is where a descriptor that was asked for before finds it. */
  async settle(): Promise<void> {
    await this.#writer?.flush();
  }

  async read(offset: number, length: number): Promise<Buffer> {
    if (!this.#file) return this.#inMemory(offset, length);
    await this.settle();
    const buffer = Buffer.alloc(length);
    await (await this.#file).read(buffer, 0, length, offset);
    return buffer;
  }

  /** Of the file, which is made now if there is none; all that was appended before is in it. */
  async descriptor(): Promise<number> {
    await (this.#writer ?? this.#toFile()).flush();
    return (await this.#file!).fd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forget();
    // Whatever it failed with was told to who asked for it.
    await this.#writer?.flush().catch(() => {});
    const file = await this.#file?.catch(() => undefined);
    await file?.close();
  }

  /** All there is, and all that comes. */
  #toFile(): BatchWriter {
    this.#file = this.#makeFile();
    // Told by whoever waits for it next.
    this.#file.catch(() => {});
    this.#writer = new BatchWriter(this.#file);
    for (const piece of this.#pieces) this.#writer.queue(piece);
    this.#forget();
    return this.#writer;
  }

  async #makeFile(): Promise<FileHandle> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = `${this.#folder}/context-${newContainerId()}`;
    const file = await open(path, 'wx+', 0o600);
    rmSync(path);
    return file;
  }

  #forget(): void {
    ofAllBytes -= this.#pieces.reduce((sum, { length }) => sum + length, 0);
    this.#pieces = [];
    this.#starts = [];
  }

  #inMemory(offset: number, length: number): Buffer {
    const parts: Buffer[] = [];
    let left = length;
    for (let at = this.#pieceAt(offset), from = offset; left > 0 && at < this.#pieces.length; at += 1) {
      const begin = from - this.#starts[at]!;
      const part = this.#pieces[at]!.subarray(begin, begin + left);
      parts.push(part);
      left -= part.length;
      from += part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** The last piece that begins no later. */
  #pieceAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

const BATCH_BYTES = 1024 * 1024;
/** kernel: writev takes at most 1024. */
const BATCH_PIECES = 512;

/** Appends pieces many at a time, while the next are on their way. */
class BatchWriter {
  readonly #file: Promise<FileHandle>;
  #batch: Buffer[] = [];
  #bytes = 0;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(file: Promise<FileHandle>) {
    this.#file = file;
  }

  queue(bytes: Buffer): void {
    this.#batch.push(bytes);
    this.#bytes += bytes.length;
  }

  write(bytes: Buffer): Promise<void> | undefined {
    this.queue(bytes);
    return this.#bytes >= BATCH_BYTES || this.#batch.length >= BATCH_PIECES ? this.#next() : undefined;
  }

  async flush(): Promise<void> {
    await this.#next();
    await this.#writing;
  }

  /** One batch is written at a time: memory is bounded by two. */
  async #next(): Promise<void> {
    const before = this.#writing;
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    if (batch.length > 0) {
      this.#writing = before.then(() => this.#append(batch));
      // Told by whoever waits for it next.
      this.#writing.catch(() => {});
    }
    await before;
  }

  /** One call may write less than it was given. */
  async #append(pieces: readonly Buffer[]): Promise<void> {
    const file = await this.#file;
    let rest = pieces.filter(({ length }) => length > 0);
    while (rest.length > 0) {
      let { bytesWritten } = await file.writev(rest.slice(0, BATCH_PIECES));
      while (rest.length > 0 && bytesWritten >= rest[0]!.length) bytesWritten -= rest.shift()!.length;
      if (bytesWritten > 0) rest = [rest[0]!.subarray(bytesWritten), ...rest.slice(1)];
    }
  }
}
