/** A store of blobs that a build's client offers over its session: a cache in a folder, an OCI layout. */
import type { Readable } from 'node:stream';
import { Readable as Streams } from 'node:stream';
import { type Digest, digestOf, digestParts } from '#base';
import { GrpcError, grpcCode, type GrpcStream } from '#rpc/grpc';
import { content } from '#specs/buildkit';
import type { Descriptor } from '#specs';
import { errors } from './errors.ts';
import type { Session } from './sessions.ts';

const METHODS = '/containerd.services.content.v1.Content/';
/** Of one message. */
const PIECE_BYTES = 1024 * 1024;

export class SessionContent {
  readonly #session: Session;
  readonly #id: string;
  readonly #signal: AbortSignal;

  /** `id`: what the client calls it, such as `local:cache`. Throws `buildkit.noStore`. */
  constructor(session: Session, id: string, signal: AbortSignal) {
    if (!session.offers(`${METHODS}Info`)) throw errors.noStore(id);
    this.#session = session;
    this.#id = id;
    this.#signal = signal;
  }

  /** Bytes of a blob. Throws GrpcError when there is none. */
  async sizeOf(digest: Digest): Promise<number> {
    const { info } = await this.#session.client.call(content.Content.method.info, { digest }, this.#options());
    const size = Number(info?.size ?? -1n);
    if (!Number.isSafeInteger(size) || size < 0) throw errors.clientFailed(digest, `it has ${info?.size} bytes`);
    return size;
  }

  /** A small blob, verified. Throws `buildkit.clientFailed`. */
  async read({ digest, size }: Pick<Descriptor, 'digest' | 'size'>, limitBytes: number): Promise<Buffer> {
    if (size > limitBytes) throw errors.clientFailed(digest, `${size} bytes are too many: at most ${limitBytes}`);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.open(digest)) {
      const bytes = chunk as Buffer;
      length += bytes.length;
      if (length > size) throw errors.clientFailed(digest, `it has more than ${size} bytes`);
      chunks.push(bytes);
    }
    const bytes = Buffer.concat(chunks);
    if (digestOf(bytes, digestParts(digest).algorithm) !== digest)
      throw errors.clientFailed(digest, 'it holds something else');
    return bytes;
  }

  /** The bytes as they come; who takes them verifies. */
  open(digest: Digest): Readable {
    const { client } = this.#session;
    const options = this.#options();
    const read = async function* (): AsyncGenerator<Buffer> {
      using stream = client.open(content.Content.method.read, options);
      await stream.send({ digest });
      stream.close();
      for await (const { data } of stream.answers) yield Buffer.from(data.buffer, data.byteOffset, data.length);
    };
    return Streams.from(read(), { objectMode: false });
  }

  /** Nothing is sent of a blob that is there. Throws `buildkit.clientFailed`, and GrpcError for the client's refusal. */
  async write({ digest, size }: Descriptor, bytes: () => AsyncIterable<Buffer>): Promise<void> {
    using stream = this.#session.client.open(content.Content.method.write, this.#options());
    const answers = stream.answers[Symbol.asyncIterator]();
    const ask = (message: WriteMessage): Promise<number> => offsetAfter(stream, answers, digest, message);
    try {
      const first = { action: content.WriteAction.STAT, ref: `skiff-${digest}`, total: BigInt(size), expected: digest };
      // What an earlier try has left is gone on behind.
      let skip = await ask(first);
      let offset = skip;
      for await (const chunk of bytes()) {
        const fresh = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - fresh.length;
        for (let at = 0; at < fresh.length; at += PIECE_BYTES) {
          const data = fresh.subarray(at, at + PIECE_BYTES);
          offset = await ask({ action: content.WriteAction.WRITE, offset: BigInt(offset), data });
        }
      }
      if (offset !== size) throw errors.clientFailed(digest, `${offset} of ${size} bytes arrived`);
      await ask({ action: content.WriteAction.COMMIT, total: BigInt(size), offset: BigInt(offset), expected: digest });
      stream.close();
    } catch (error) {
      if (error instanceof GrpcError && error.code === grpcCode.alreadyExists) return;
      throw error;
    }
  }

  #options() {
    return { metadata: { 'buildkit-attachable-store-id': this.#id }, signal: this.#signal };
  }
}

type WriteMethod = typeof content.Content.method.write;
type WriteMessage = Parameters<GrpcStream<WriteMethod>['send']>[0];

/** How much the store has, once it has answered. */
async function offsetAfter(
  stream: GrpcStream<WriteMethod>,
  answers: AsyncIterator<content.WriteContentResponse>,
  digest: Digest,
  message: WriteMessage,
): Promise<number> {
  await stream.send(message);
  const { value, done } = await answers.next();
  if (done === true) throw errors.clientFailed(digest, 'the client stopped answering');
  return Number(value.offset);
}
