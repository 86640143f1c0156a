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

/** The messages of a stream to its end. Throws GrpcError for what is too long, compressed or cut off. */
export async function* readGrpcMessages(stream: Duplex, maxBytes: number): AsyncGenerator<Buffer> {
  // Joined when a message is whole: it comes in many small pieces.
  let pieces: Buffer[] = [];
  let held = 0;
  let wanted = HEAD_BYTES;
  // Who has read enough may still have an answer to send.
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    held += chunk.length;
    if (held < wanted) continue;
    let rest = pieces.length === 1 ? chunk : Buffer.concat(pieces, held);
    wanted = HEAD_BYTES;
    while (rest.length >= HEAD_BYTES) {
      if (rest[0] !== 0) throw new GrpcError(grpcCode.unimplemented, 'compressed messages are not understood');
      const length = rest.readUInt32BE(1);
      if (length > maxBytes) {
        throw new GrpcError(grpcCode.resourceExhausted, `a message of ${length} bytes, more than ${maxBytes}`);
      }
      wanted = HEAD_BYTES + length;
      if (rest.length < wanted) break;
      yield rest.subarray(HEAD_BYTES, HEAD_BYTES + length);
      rest = rest.subarray(wanted);
      wanted = HEAD_BYTES;
    }
    pieces = rest.length === 0 ? [] : [rest];
    held = rest.length;
  }
  if (held > 0) throw new GrpcError(grpcCode.internal, 'the stream ended in the middle of a message');
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
