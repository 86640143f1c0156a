/** What the kernel answers: messages, their attributes, errors. Foreign bytes: nothing is read past an end that was claimed. */
import { NETLINK_HEADER_BYTES } from './batch.ts';

const ERROR = 2;
const DONE = 3;
const TYPE_MASK = 0x3fff;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** After the header. */
  readonly body: Buffer;
}

/** The messages of what was received, ends and acknowledgements left out. One that claims more than there is ends it. */
export function readMessages(received: Uint8Array): NetlinkMessage[] {
  const buffer = Buffer.from(received.buffer, received.byteOffset, received.length);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at + NETLINK_HEADER_BYTES <= buffer.length; ) {
    const length = buffer.readUInt32LE(at);
    if (length < NETLINK_HEADER_BYTES || length > buffer.length - at) break;
    const type = buffer.readUInt16LE(at + 4);
    if (type !== DONE && type !== ERROR) {
      messages.push({
        type,
        flags: buffer.readUInt16LE(at + 6),
        sequence: buffer.readUInt32LE(at + 8),
        body: buffer.subarray(at + NETLINK_HEADER_BYTES, at + length),
      });
    }
    at += aligned(length);
  }
  return messages;
}

/** Attributes by type; of several of a type the last. One that claims more than there is ends it. */
export function readAttributes(body: Uint8Array, from = 0): Map<number, Buffer> {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.length);
  const attributes = new Map<number, Buffer>();
  for (let at = from; at + 4 <= buffer.length; ) {
    const length = buffer.readUInt16LE(at);
    if (length < 4 || length > buffer.length - at) break;
    attributes.set(buffer.readUInt16LE(at + 2) & TYPE_MASK, buffer.subarray(at + 4, at + length));
    at += aligned(length);
  }
  return attributes;
}

/** A name the kernel ended with NUL. */
export function readText(value: Buffer | undefined): string {
  if (!value) return '';
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}

const aligned = (length: number): number => (length + 3) & ~3;
