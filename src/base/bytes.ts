/**
 * Little-endian binary writing and reading, for the protocols of the native helper and the kernel's structures.
 *
 * The writer grows one buffer; the reader refuses to read past the end.
 */
import { SkiffError } from './errors.ts';

export class BytesWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialSize = 1024) {
    this.#buffer = Buffer.allocUnsafe(initialSize);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    this.#length = this.#reserve(2).writeUInt16LE(value, this.#length);
    return this;
  }

  u32(value: number): this {
    this.#length = this.#reserve(4).writeUInt32LE(value >>> 0, this.#length);
    return this;
  }

  u64(value: bigint | number): this {
    this.#length = this.#reserve(8).writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), this.#length);
    return this;
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): this {
    this.#reserve(value.length).set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** u32 length, the bytes, one NUL that is not counted. Strings are UTF-8. */
  bytes(value: string | Uint8Array): this {
    const size = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
    this.u32(size);
    const buffer = this.#reserve(size + 1);
    if (typeof value === 'string') buffer.write(value, this.#length);
    else buffer.set(value, this.#length);
    this.#length += size;
    this.#buffer[this.#length++] = 0;
    return this;
  }

  list(values: readonly string[]): this {
    this.u32(values.length);
    for (const value of values) this.bytes(value);
    return this;
  }

  u32List(values: readonly number[]): this {
    this.u32(values.length);
    for (const value of values) this.u32(value);
    return this;
  }

  /** Overwrites four bytes already written, for a length that is known only afterwards. */
  patchU32(offset: number, value: number): void {
    this.#buffer.writeUInt32LE(value >>> 0, offset);
  }

  /** A view of what has been written; valid until the next write. */
  done(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(size: number): Buffer {
    if (this.#length + size > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}

export class BytesReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Uint8Array) {
    this.#buffer = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  get left(): number {
    return this.#buffer.length - this.#at;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#advance(1));
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.#advance(2));
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#advance(4));
  }

  i32(): number {
    return this.#buffer.readInt32LE(this.#advance(4));
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64LE(this.#advance(8));
  }

  raw(size: number): Buffer {
    const from = this.#advance(size);
    return this.#buffer.subarray(from, from + size);
  }

  bytes(): Buffer {
    const value = this.raw(this.u32());
    this.#advance(1);
    return value;
  }

  string(): string {
    return this.bytes().toString('utf8');
  }

  /** Moves past `size` bytes and gives where they began. */
  #advance(size: number): number {
    const from = this.#at;
    if (size > this.#buffer.length - from) {
      throw new SkiffError(
        'invalid',
        'bytes.short',
        `message too short: ${size} bytes wanted at ${from}, ${this.left} left`,
      );
    }
    this.#at = from + size;
    return from;
  }
}
