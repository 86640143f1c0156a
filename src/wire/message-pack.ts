/** MessagePack (github.com/msgpack/msgpack/blob/master/spec.md): what Fluentd's forward protocol needs of it. */

export type MessagePackValue =
  | null
  | boolean
  | number
  | string
  | EventTime
  | readonly MessagePackValue[]
  | { readonly [key: string]: MessagePackValue };

/** Fluentd's extension type 0: seconds and nanoseconds. */
export class EventTime {
  readonly seconds: number;
  readonly nanoseconds: number;

  constructor(seconds: number, nanoseconds: number) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }
}

/** From Unix time in nanoseconds. */
export function eventTime(timeNs: bigint): EventTime {
  return new EventTime(Number(timeNs / 1_000_000_000n), Number(timeNs % 1_000_000_000n));
}

/** Integers up to 2^53. Throws a `RangeError` for fractions. */
export function encodeMessagePack(value: MessagePackValue): Buffer {
  const parts: Buffer[] = [];
  encode(value, parts);
  return Buffer.concat(parts);
}

function encode(value: MessagePackValue, parts: Buffer[]): void {
  if (value === null) parts.push(Buffer.from([0xc0]));
  else if (typeof value === 'boolean') parts.push(Buffer.from([value ? 0xc3 : 0xc2]));
  else if (typeof value === 'number') parts.push(integer(value));
  else if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    parts.push(head(bytes.length, { fix: 0xa0, fixMax: 31, one: 0xd9, two: 0xda, four: 0xdb }), bytes);
  } else if (value instanceof EventTime) {
    const bytes = Buffer.from([0xd7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.writeUInt32BE(value.seconds, 2);
    bytes.writeUInt32BE(value.nanoseconds, 6);
    parts.push(bytes);
  } else if (isList(value)) {
    parts.push(head(value.length, { fix: 0x90, fixMax: 15, two: 0xdc, four: 0xdd }));
    for (const item of value) encode(item, parts);
  } else {
    const entries = Object.entries(value);
    parts.push(head(entries.length, { fix: 0x80, fixMax: 15, two: 0xde, four: 0xdf }));
    for (const [key, item] of entries) {
      encode(key, parts);
      encode(item, parts);
    }
  }
}

const isList = (value: object): value is readonly MessagePackValue[] => Array.isArray(value);

interface HeadForm {
  readonly fix: number;
  readonly fixMax: number;
  readonly one?: number;
  readonly two: number;
  readonly four: number;
}

function head(length: number, form: HeadForm): Buffer {
  if (length <= form.fixMax) return Buffer.from([form.fix | length]);
  if (form.one !== undefined && length < 0x100) return Buffer.from([form.one, length]);
  if (length < 0x1_0000) return Buffer.from([form.two, length >> 8, length & 0xff]);
  const bytes = Buffer.from([form.four, 0, 0, 0, 0]);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function integer(value: number): Buffer {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no integer that MessagePack gets here`);
  if (value >= 0 && value < 0x80) return Buffer.from([value]);
  if (value < 0 && value >= -32) return Buffer.from([value & 0xff]);
  const bytes = Buffer.alloc(9);
  bytes[0] = value < 0 ? 0xd3 : 0xcf;
  if (value < 0) bytes.writeBigInt64BE(BigInt(value), 1);
  else bytes.writeBigUInt64BE(BigInt(value), 1);
  return bytes;
}

/** Nested deeper than any answer is. */
const MAX_DEPTH = 16;

/**
 * The value at the start of some bytes and its length; undefined when they end before it does. Throws for bytes that
 * cannot become a value, and for what no answer of Fluentd has: extensions, deep nesting.
 */
export function decodeMessagePack(
  bytes: Buffer,
): { readonly value: MessagePackValue; readonly length: number } | undefined {
  const reader = new Reader(bytes);
  try {
    const value = reader.value(0);
    return { value, length: reader.at };
  } catch (error) {
    if (error instanceof TooShort) return undefined;
    throw error;
  }
}

class TooShort extends Error {}

class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(depth: number): MessagePackValue {
    if (depth > MAX_DEPTH) throw new Error('MessagePack is nested too deeply');
    const type = this.#take(1)[0]!;
    if (type < 0x80) return type;
    if (type >= 0xe0) return type - 0x100;
    if (type < 0x90) return this.#map(type & 0x0f, depth);
    if (type < 0xa0) return this.#list(type & 0x0f, depth);
    if (type < 0xc0) return this.#text(type & 0x1f);
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xd9:
        return this.#text(this.#unsigned(1));
      case 0xc5:
      case 0xda:
        return this.#text(this.#unsigned(2));
      case 0xc6:
      case 0xdb:
        return this.#text(this.#unsigned(4));
      case 0xca:
        return this.#take(4).readFloatBE(0);
      case 0xcb:
        return this.#take(8).readDoubleBE(0);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.#unsigned(1 << (type - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#signed(1 << (type - 0xd0));
      case 0xdc:
        return this.#list(this.#unsigned(2), depth);
      case 0xdd:
        return this.#list(this.#unsigned(4), depth);
      case 0xde:
        return this.#map(this.#unsigned(2), depth);
      case 0xdf:
        return this.#map(this.#unsigned(4), depth);
      default:
        throw new Error(`MessagePack of type 0x${type.toString(16)} is not expected here`);
    }
  }

  #take(length: number): Buffer {
    if (this.#bytes.length - this.at < length) throw new TooShort();
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  #unsigned(size: number): number {
    const bytes = this.#take(size);
    return size === 8 ? Number(bytes.readBigUInt64BE(0)) : bytes.readUIntBE(0, size);
  }

  #signed(size: number): number {
    const bytes = this.#take(size);
    return size === 8 ? Number(bytes.readBigInt64BE(0)) : bytes.readIntBE(0, size);
  }

  #text(length: number): string {
    return this.#take(length).toString('utf8');
  }

  /** Every item takes a byte at least, so that a length from a stranger costs nothing before its bytes are there. */
  #list(length: number, depth: number): MessagePackValue[] {
    const items: MessagePackValue[] = [];
    for (let index = 0; index < length; index++) items.push(this.value(depth + 1));
    return items;
  }

  #map(length: number, depth: number): { readonly [key: string]: MessagePackValue } {
    const entries: [string, MessagePackValue][] = [];
    for (let index = 0; index < length; index++) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw new Error('a key in MessagePack is no text');
      entries.push([key, this.value(depth + 1)]);
    }
    return Object.fromEntries(entries);
  }
}
