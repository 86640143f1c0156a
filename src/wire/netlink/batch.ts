/**
 * Netlink messages to send: headers, nested attributes, padding. A batch is what goes out in one datagram.
 *
 * spec: netlink(7): nlmsghdr { u32 length, u16 type, u16 flags, u32 sequence, u32 port }, attributes { u16 length, u16 type,
 * value, padding to four bytes }. Numbers are in the machine's order but where the kernel says otherwise (`be`).
 */
import { BytesWriter } from '#base';

/** Protocols of netlink sockets. */
export const netlinkProtocol = { route: 0, netfilter: 12 } as const;

/** Bits of nlmsg_flags. */
export const messageFlags = {
  request: 0x1,
  acknowledge: 0x4,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

const HEADER_BYTES = 16;
const NESTED = 0x8000;

/** Writes the attributes of one message. */
export class AttributeWriter {
  readonly #out: BytesWriter;

  constructor(out: BytesWriter) {
    this.#out = out;
  }

  /** Where the next byte goes, counted from the begin of the batch. */
  get offset(): number {
    return this.#out.length;
  }

  u8(type: number, value: number): this {
    return this.raw(type, Uint8Array.of(value));
  }

  u16(type: number, value: number): this {
    return this.raw(type, Uint8Array.of(value & 0xff, value >> 8));
  }

  u32(type: number, value: number): this {
    this.#out.u32(8 | (type << 16)).u32(value);
    return this;
  }

  /** Big-endian, as all of netfilter's are. */
  be32(type: number, value: number): this {
    return this.raw(type, Uint8Array.of(value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff));
  }

  be64(type: number, value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return this.raw(type, bytes);
  }

  /** With the NUL the kernel wants at the end of names. */
  text(type: number, value: string): this {
    return this.raw(type, Buffer.from(`${value}\0`));
  }

  raw(type: number, value: Uint8Array): this {
    this.#out.u32(((4 + value.length) | (type << 16)) >>> 0).raw(value);
    pad(this.#out);
    return this;
  }

  nested(type: number, fill: (inner: AttributeWriter) => void): this {
    const at = this.#out.length;
    this.#out.u32(0);
    fill(this);
    this.#out.patchU32(at, ((this.#out.length - at) | ((type | NESTED) << 16)) >>> 0);
    return this;
  }

  /** A structure in the middle of attributes, such as the peer's of a veth. */
  struct(write: (out: BytesWriter) => void): this {
    write(this.#out);
    pad(this.#out);
    return this;
  }
}

export interface MessageHead {
  readonly type: number;
  /** See `messageFlags`; `request` is always set. */
  readonly flags: number;
  /** The fixed structure before the attributes. */
  readonly struct: (out: BytesWriter) => void;
}

/** Messages in order; each gets the next sequence number, from 1. */
export class NetlinkBatch {
  readonly #out = new BytesWriter(2048);
  #sequence = 0;
  #pidOffset: number | undefined;

  /** How many messages there are. */
  get count(): number {
    return this.#sequence;
  }

  add({ type, flags, struct }: MessageHead, fill: (attributes: AttributeWriter) => void = () => {}): this {
    const out = this.#out;
    const at = out.length;
    this.#sequence += 1;
    out
      .u32(0)
      .u16(type)
      .u16(flags | messageFlags.request)
      .u32(this.#sequence)
      .u32(0);
    struct(out);
    pad(out);
    fill(new AttributeWriter(out));
    out.patchU32(at, out.length - at);
    return this;
  }

  /** Notes that the next attribute's value is a pid that is known only when the batch is sent. */
  pidAt(offset: number): void {
    this.#pidOffset = offset;
  }

  /** Where that pid goes; undefined when there is none. */
  get pidOffset(): number | undefined {
    return this.#pidOffset;
  }

  /** A copy of the bytes. */
  bytes(): Uint8Array {
    return Uint8Array.from(this.#out.done());
  }
}

function pad(out: BytesWriter): void {
  while (out.length % 4 !== 0) out.u8(0);
}

export const NETLINK_HEADER_BYTES = HEADER_BYTES;
