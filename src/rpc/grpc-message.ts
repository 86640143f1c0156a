/** gRPC's own parts, both ends: messages on a stream, statuses in trailers. spec: gRPC over HTTP/2. */
import type { Duplex } from 'node:stream';

export const grpcCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** A refusal as gRPC carries it. `details` is an encoded google.rpc.Status. */
export class GrpcError extends Error {
  readonly code: number;
  readonly details: Uint8Array | undefined;

  constructor(code: number, message: string, details?: Uint8Array) {
    super(message);
    this.name = 'GrpcError';
    this.code = code;
    this.details = details;
  }
}

const HEAD_BYTES = 5;

/** One message with its head: not compressed. */
export function encodeGrpcMessage(bytes: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
  framed[0] = 0;
  framed.writeUInt32BE(bytes.length, 1);
  framed.set(bytes, HEAD_BYTES);
  return framed;
}

/** Messages as they come, all that came together at once, to the stream's end. Throws as `MessageSplitter`. */
export async function* readGrpcMessages(stream: Duplex, maxBytes: number): AsyncGenerator<Buffer[]> {
  const splitter = new MessageSplitter(maxBytes);
  // Who has read enough may still have an answer to send.
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of chunks) {
    const messages = splitter.push(chunk);
    if (messages.length > 0) yield messages;
  }
  splitter.end();
}

/** Pieces of a stream → whole messages, which share the pieces' memory. */
class MessageSplitter {
  readonly #maxBytes: number;
  /** Not yet whole: joined only once enough is there, for a long message comes in hundreds of pieces. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  #wanted = HEAD_BYTES;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Throws GrpcError for what is too long or compressed. */
  push(piece: Buffer): Buffer[] {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    const messages: Buffer[] = [];
    if (this.#bytes < this.#wanted) return messages;
    const all = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    let at = 0;
    for (;;) {
      this.#wanted = HEAD_BYTES;
      if (all.length - at < HEAD_BYTES) break;
      if (all[at] !== 0) throw new GrpcError(grpcCode.unimplemented, 'compressed messages are not understood');
      const length = all.readUInt32BE(at + 1);
      if (length > this.#maxBytes) {
        throw new GrpcError(grpcCode.resourceExhausted, `a message of ${length} bytes, more than ${this.#maxBytes}`);
      }
      this.#wanted = HEAD_BYTES + length;
      if (all.length - at < this.#wanted) break;
      messages.push(all.subarray(at + HEAD_BYTES, at + this.#wanted));
      at += this.#wanted;
    }
    this.#pieces = at === all.length ? [] : [all.subarray(at)];
    this.#bytes = all.length - at;
    return messages;
  }

  /** Throws GrpcError for a message that is cut off. */
  end(): void {
    if (this.#bytes > 0) throw new GrpcError(grpcCode.internal, 'the stream ended in the middle of a message');
  }
}

/** Percent-encoded UTF-8, as `grpc-message` has it. */
export const encodeGrpcText = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');

export function decodeGrpcText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
