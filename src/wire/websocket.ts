/**
 * Frames of the WebSocket protocol, a server's side: what a client sends taken apart, what goes to it put together.
 * spec: RFC 6455, section 5.
 */

export type WebSocketEvent =
  /** Bytes of a message; where one ends does not matter here. */
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'ping'; readonly bytes: Buffer }
  | { readonly kind: 'close' };

/** What came is no WebSocket: the connection cannot go on. */
export class WebSocketViolation extends Error {}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A server's frame: whole, and not masked. */
export function webSocketFrame(opcode: number, payload: Uint8Array): Buffer {
  const size = payload.length;
  const head = size < 126 ? Buffer.of(0, size) : size < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 0x80 | opcode;
  if (head.length === 4) {
    head[1] = 126;
    head.writeUInt16BE(size, 2);
  } else if (head.length === 10) {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, payload]);
}

/** Of a control frame; spec: section 5.5. */
const MAX_CONTROL_BYTES = 125;

interface Frame {
  readonly opcode: number;
  readonly mask: Buffer;
  left: number;
  /** Bytes of the payload that have come: where the mask goes on. */
  seen: number;
}

/** Takes bytes as they come. Keeps a head or a control frame at most; a message's bytes are handed on at once. */
export class WebSocketReader {
  #held: Buffer = Buffer.alloc(0);
  #frame: Frame | undefined;

  /** Throws `WebSocketViolation`. */
  push(chunk: Buffer): WebSocketEvent[] {
    let bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    const events: WebSocketEvent[] = [];
    for (;;) {
      if (!this.#frame) {
        const head = readHead(bytes);
        if (!head) break;
        this.#frame = head.frame;
        bytes = bytes.subarray(head.size);
      }
      const frame = this.#frame;
      const isControl = frame.opcode >= 8;
      if (isControl && bytes.length < frame.left) break;
      const part = unmasked(bytes.subarray(0, frame.left), frame);
      bytes = bytes.subarray(part.length);
      frame.left -= part.length;
      frame.seen += part.length;
      const event = eventOf(frame.opcode, part);
      if (event) events.push(event);
      if (frame.left > 0) break;
      this.#frame = undefined;
    }
    // A copy: what is held must not keep a whole read alive.
    this.#held = Buffer.from(bytes);
    return events;
  }
}

function readHead(bytes: Buffer): { readonly frame: Frame; readonly size: number } | undefined {
  if (bytes.length < 2) return undefined;
  const [first, second] = [bytes[0]!, bytes[1]!];
  const opcode = first & 0x0f;
  if ((first & 0x70) !== 0) throw new WebSocketViolation('a frame uses an extension nobody agreed on');
  if (![0, 1, 2, 8, 9, 10].includes(opcode)) throw new WebSocketViolation(`a frame has the unknown opcode ${opcode}`);
  if ((second & 0x80) === 0) throw new WebSocketViolation("a client's frame is not masked");
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const size = 2 + lengthBytes + 4;
  if (opcode >= 8 && (short > MAX_CONTROL_BYTES || (first & 0x80) === 0)) {
    throw new WebSocketViolation('a control frame is too long or in pieces');
  }
  if (bytes.length < size) return undefined;
  const long = lengthBytes === 2 ? BigInt(bytes.readUInt16BE(2)) : lengthBytes === 8 ? bytes.readBigUInt64BE(2) : 0n;
  if (long > BigInt(Number.MAX_SAFE_INTEGER)) throw new WebSocketViolation(`a frame of ${long} bytes is too long`);
  const left = lengthBytes === 0 ? short : Number(long);
  const mask = Buffer.from(bytes.subarray(size - 4, size));
  return { frame: { opcode, mask, left, seen: 0 }, size };
}

function unmasked(part: Buffer, { mask, seen }: Frame): Buffer {
  const out = Buffer.allocUnsafe(part.length);
  for (let at = 0; at < part.length; at++) out[at] = part[at]! ^ mask[(seen + at) & 3]!;
  return out;
}

function eventOf(opcode: number, bytes: Buffer): WebSocketEvent | undefined {
  if (opcode === opcodes.close) return { kind: 'close' };
  if (opcode === opcodes.ping) return { kind: 'ping', bytes };
  if (opcode === opcodes.pong || bytes.length === 0) return undefined;
  return { kind: 'data', bytes };
}
