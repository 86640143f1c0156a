/**
 * gRPC services on connections that somebody has taken over, over Node's HTTP/2. Knows messages by their descriptors and
 * no service by name.
 */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { encodeGrpcMessage, encodeGrpcText, GrpcError, grpcCode, readGrpcMessages } from './grpc-message.ts';

/** compat: what BuildKit's clients and servers allow. */
export const MAX_GRPC_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface GrpcCall {
  readonly metadata: IncomingHttpHeaders;
  /** Aborted when the client goes, or says that it does not want the answer any more. */
  readonly signal: AbortSignal;
  /** Sends the head of the answer now, with these. */
  sendMetadata(metadata: Readonly<Record<string, string>>): void;
}

/** Takes the requests (one, unless the method streams them), gives the answers. Throws GrpcError to refuse. */
export type GrpcHandler = (requests: AsyncIterable<never>, call: GrpcCall) => AsyncIterable<unknown>;

type Input<Method extends DescMethod> = MessageShape<Method['input']>;
type Output<Method extends DescMethod> = MessageShape<Method['output']>;

/** For a method that answers one message with one. */
export function unary<Method extends DescMethod>(
  _method: Method,
  handle: (request: Input<Method>, call: GrpcCall) => Promise<Output<Method>>,
): GrpcHandler {
  return async function* (requests, call) {
    for await (const request of requests as AsyncIterable<Input<Method>>) {
      yield await handle(request, call);
      return;
    }
    throw new GrpcError(grpcCode.invalidArgument, 'a request is missing');
  };
}

/** For a method that answers one message with many. */
export function serverStreaming<Method extends DescMethod>(
  _method: Method,
  handle: (request: Input<Method>, call: GrpcCall) => AsyncIterable<Output<Method>>,
): GrpcHandler {
  return async function* (requests, call) {
    for await (const request of requests as AsyncIterable<Input<Method>>) {
      yield* handle(request, call);
      return;
    }
    throw new GrpcError(grpcCode.invalidArgument, 'a request is missing');
  };
}

/** Which messages a call really has, where a service declares others. */
export type MethodVariant = (method: DescMethod, metadata: IncomingHttpHeaders) => DescMethod;

interface Registered {
  readonly method: DescMethod;
  readonly handle: GrpcHandler;
  readonly variant: MethodVariant | undefined;
}

export class GrpcServer {
  readonly #methods = new Map<string, Registered>();
  readonly #server: Http2Server;
  readonly #explain: (error: unknown) => GrpcError;

  /** `explain` makes refusals of what handlers throw. */
  constructor(explain: (error: unknown) => GrpcError) {
    this.#explain = explain;
    this.#server = createServer({ maxSessionMemory: 256, settings: { initialWindowSize: 1024 * 1024 } });
    this.#server.on('stream', (stream, headers) => void this.#serve(stream as ServerHttp2Stream, headers));
    this.#server.on('sessionError', () => {});
  }

  /** Methods by their local names (`solve`); others of the service are not implemented. */
  add(service: DescService, handlers: Readonly<Record<string, GrpcHandler>>, variant?: MethodVariant): void {
    for (const [name, handle] of Object.entries(handlers)) {
      const method = service.method[name];
      if (!method) throw new Error(`${service.typeName} has no method ${name}`);
      this.#methods.set(`/${service.typeName}/${method.name}`, { method, handle, variant });
    }
  }

  /** Serves a connection until it ends. */
  accept(connection: Duplex): void {
    // A socket of an HTTP server may be half open; of a client that has gone nothing would come any more.
    connection.once('end', () => connection.destroy());
    this.#server.emit('connection', connection);
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const abort = new AbortController();
    stream.on('error', () => {});
    stream.once('close', () => abort.abort(new Error('the client has gone')));
    let trailers: Record<string, string> = { 'grpc-status': '0' };
    stream.once('wantTrailers', () => stream.sendTrailers(trailers));
    const sendMetadata = (metadata: Readonly<Record<string, string>>): void => {
      if (stream.headersSent || stream.destroyed) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...metadata }, { waitForTrailers: true });
    };
    try {
      const found = this.#methods.get(String(headers[':path']));
      if (!found) throw new GrpcError(grpcCode.unimplemented, `unknown method ${String(headers[':path'])}`);
      const { input, output } = found.variant?.(found.method, headers) ?? found.method;
      const requests = decoded(stream, input) as AsyncIterable<never>;
      for await (const answer of found.handle(requests, { metadata: headers, signal: abort.signal, sendMetadata })) {
        sendMetadata({});
        await written(stream, encodeGrpcMessage(toBinary(output, create(output, answer as never))), abort.signal);
      }
    } catch (error) {
      const refused = error instanceof GrpcError ? error : this.#explain(error);
      trailers = trailersOf(refused);
    }
    if (stream.destroyed) return;
    sendMetadata({});
    stream.end();
    // What the client still sends is nothing to us.
    stream.resume();
  }
}

/** HTTP/2 bounds headers: what is longer would end the stream, and take the whole refusal along. */
const MAX_TEXT = 4096;
const MAX_DETAILS_BYTES = 24 * 1024;

function trailersOf({ code, message, details }: GrpcError): Record<string, string> {
  return {
    'grpc-status': String(code),
    'grpc-message': encodeGrpcText(message.slice(0, MAX_TEXT)),
    ...(details && details.length <= MAX_DETAILS_BYTES
      ? { 'grpc-status-details-bin': Buffer.from(details).toString('base64').replace(/=+$/, '') }
      : {}),
  };
}

async function* decoded<Desc extends DescMessage>(
  stream: ServerHttp2Stream,
  schema: Desc,
): AsyncGenerator<MessageShape<Desc>> {
  for await (const messages of readGrpcMessages(stream, MAX_GRPC_MESSAGE_BYTES)) {
    for (const bytes of messages) {
      let message: MessageShape<Desc>;
      try {
        message = fromBinary(schema, bytes);
      } catch {
        throw new GrpcError(grpcCode.invalidArgument, `not a message of type ${schema.typeName}`);
      }
      yield message;
    }
  }
  // Who breaks off has not sent everything, though the stream ends.
  if (stream.aborted) throw new GrpcError(grpcCode.cancelled, 'the client has gone');
}

/** Waits for room, so that a slow client bounds what is kept for it. */
async function written(stream: ServerHttp2Stream, bytes: Buffer, signal: AbortSignal): Promise<void> {
  if (stream.write(bytes) || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    stream.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
