/** gRPC calls to whoever is at the other end of a connection, over Node's HTTP/2. */
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import { decodeGrpcText, encodeGrpcMessage, GrpcError, grpcCode, readGrpcMessages } from './grpc-message.ts';
import { MAX_GRPC_MESSAGE_BYTES } from './grpc-server.ts';

export interface GrpcCallOptions {
  readonly metadata?: Readonly<Record<string, string | readonly string[]>>;
  readonly signal?: AbortSignal;
}

/** A call that sends and receives as it likes. Disposing it ends it. */
export interface GrpcStream<Method extends DescMethod> extends Disposable {
  /** All at once. Waits for room. */
  send(...messages: MessageInitShape<Method['input']>[]): Promise<void>;
  /** Nothing more will be sent. */
  close(): void;
  /** Until the other end has no more. Throws GrpcError for its refusal. */
  readonly answers: AsyncIterable<MessageShape<Method['output']>>;
  /** The same, all that came together at once: of many small ones each would cost a turn. Read one or the other. */
  readonly batches: AsyncIterable<MessageShape<Method['output']>[]>;
}

export class GrpcClient implements Disposable {
  readonly #session: ClientHttp2Session;
  /** Fulfilled when the connection is gone. */
  readonly closed: Promise<void>;

  constructor(connection: Duplex) {
    // A socket of an HTTP server may be half open: who has gone answers nothing any more.
    connection.once('end', () => connection.destroy());
    this.#session = connect('http://localhost', {
      createConnection: () => connection,
      maxSessionMemory: 256,
      settings: { initialWindowSize: 4 * 1024 * 1024 },
    });
    this.#session.on('error', () => {});
    this.#session.once('connect', () => this.#session.setLocalWindowSize(16 * 1024 * 1024));
    this.closed = new Promise((resolve) => this.#session.once('close', () => resolve()));
  }

  open<Method extends DescMethod>(method: Method, options: GrpcCallOptions = {}): GrpcStream<Method> {
    if (this.#session.closed || this.#session.destroyed) {
      throw new GrpcError(grpcCode.unavailable, 'the client has gone');
    }
    const stream = this.#session.request(
      {
        ':method': 'POST',
        ':path': `/${method.parent.typeName}/${method.name}`,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...(options.metadata as Record<string, string | string[]> | undefined),
      },
      options.signal ? { signal: options.signal } : {},
    );
    stream.on('error', () => {});
    const status = statusOf(stream);
    const input: DescMessage = method.input;
    const batches = batchesOf(stream, method, status);
    return {
      send: async (...messages) => {
        const framed = messages.map((message) => encodeGrpcMessage(toBinary(input, create(input, message as never))));
        const bytes = framed.length === 1 ? framed[0]! : Buffer.concat(framed);
        if (!stream.write(bytes)) await roomIn(stream);
      },
      close: () => void stream.end(),
      answers: each(batches),
      batches,
      // A stream that is closed, rather than destroyed, first says that everything was sent.
      [Symbol.dispose]: () => void stream.destroy(),
    };
  }

  /** One message for one. Throws GrpcError for a refusal. */
  async call<Method extends DescMethod>(
    method: Method,
    message: MessageInitShape<Method['input']>,
    options: GrpcCallOptions = {},
  ): Promise<MessageShape<Method['output']>> {
    using stream = this.open(method, options);
    await stream.send(message);
    stream.close();
    for await (const answer of stream.answers) return answer;
    throw new GrpcError(grpcCode.internal, `${method.name} was answered with nothing`);
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}

/** The status of the call: of its trailers, or of its head where there is nothing else. */
function statusOf(stream: ClientHttp2Stream): Promise<GrpcError | undefined> {
  return new Promise((resolve) => {
    const take = (headers: IncomingHttpHeaders): void => {
      const code = Number(headers['grpc-status'] ?? Number.NaN);
      if (Number.isNaN(code)) return;
      resolve(code === 0 ? undefined : new GrpcError(code, decodeGrpcText(String(headers['grpc-message'] ?? ''))));
    };
    stream.once('response', take);
    stream.once('trailers', take);
    stream.once('close', () => resolve(new GrpcError(grpcCode.unavailable, 'the client has gone')));
  });
}

async function* batchesOf<Method extends DescMethod>(
  stream: ClientHttp2Stream,
  { output }: Method,
  status: Promise<GrpcError | undefined>,
): AsyncGenerator<MessageShape<Method['output']>[]> {
  try {
    for await (const messages of readGrpcMessages(stream, MAX_GRPC_MESSAGE_BYTES)) {
      yield messages.map((bytes) => fromBinary(output, bytes) as MessageShape<Method['output']>);
    }
  } catch (error) {
    throw error instanceof GrpcError ? error : ((await status) ?? error);
  }
  const refused = await status;
  if (refused) throw refused;
}

async function* each<Message>(batches: AsyncIterable<Message[]>): AsyncGenerator<Message> {
  for await (const batch of batches) yield* batch;
}

/** Or until nothing can be sent any more, which may be so already. */
function roomIn(stream: ClientHttp2Stream): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('drain', resolve);
    stream.once('close', resolve);
  });
}
