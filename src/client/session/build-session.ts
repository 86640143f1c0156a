/** The client's end of a build's session: the services it offers, over a connection that the daemon calls on. */
import { create } from '@bufbuild/protobuf';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, SkiffError } from '#base';
import {
  type GrpcCall,
  GrpcError,
  type GrpcHandler,
  grpcCode,
  GrpcServer,
  type MethodVariant,
  serverStreaming,
  unary,
} from '#rpc/grpc';
import { content, filesync, fsutil, secrets, ssh } from '#specs/buildkit';
import { errors } from './errors.ts';
import { LayoutFolder } from './layout-folder.ts';
import { receiveFolder } from './receive-folder.ts';

/** Where an output goes. */
export type OutputTarget =
  | {
      readonly kind: 'folder';
      readonly path: string;
      /** What is in it and not in the output is removed. */
      readonly mirrors: boolean;
      /** Told when the first file may come, and when all are there. */
      readonly onProgress: (state: 'begun' | 'whole') => void;
    }
  /** `take` has the whole archive, or none of it, when it returns. */
  | { readonly kind: 'archive'; readonly take: (bytes: AsyncIterable<Uint8Array>) => Promise<void> };

export interface BuildSessionParts {
  /** By their place in the list of outputs. */
  readonly outputs: ReadonlyMap<number, OutputTarget>;
  /** Folders by what the daemon calls them: `local:PATH`, `export`. */
  readonly stores: ReadonlyMap<string, string>;
  readonly secrets: ReadonlyMap<string, () => Uint8Array>;
  /** Sockets of agents. */
  readonly agents: ReadonlyMap<string, string>;
}

export interface SessionOffer {
  readonly id: string;
  /** Full paths of the methods. */
  readonly methods: readonly string[];
  /** Serves a connection until it ends. */
  accept(connection: Duplex): void;
}

export function makeBuildSession(parts: BuildSessionParts): SessionOffer {
  const server = new GrpcServer(refusal);
  const methods: string[] = [];
  const add = (
    service: Parameters<GrpcServer['add']>[0],
    handlers: Readonly<Record<string, GrpcHandler>>,
    variant?: MethodVariant,
  ): void => {
    server.add(service, handlers, variant);
    for (const name of Object.keys(handlers)) methods.push(`/${service.typeName}/${service.method[name]!.name}`);
  };
  if (parts.outputs.size > 0) {
    // compat: a folder comes as packets of file trees, though the method is declared with bytes.
    const variant: MethodVariant = (method, metadata) =>
      targetOf(parts, metadata)?.kind === 'folder'
        ? { ...method, input: fsutil.PacketSchema, output: fsutil.PacketSchema }
        : method;
    add(filesync.FileSend, { diffCopy: (requests, call) => take(parts, requests, call) }, variant);
  }
  if (parts.stores.size > 0) add(content.Content, contentHandlers(parts));
  if (parts.secrets.size > 0) {
    const getSecret = unary(secrets.Secrets.method.getSecret, async ({ ID }) => {
      const read = parts.secrets.get(ID);
      if (!read) throw errors.noSecret(ID);
      return create(secrets.GetSecretResponseSchema, { data: new Uint8Array(read()) });
    });
    add(secrets.Secrets, { getSecret });
  }
  if (parts.agents.size > 0) add(ssh.SSH, agentHandlers(parts));
  return {
    id: randomBytes(16).toString('hex').slice(0, 25),
    methods,
    accept: (connection) => server.accept(connection),
  };
}

function refusal(error: unknown): GrpcError {
  const codes: Readonly<Record<string, number>> = {
    'not-found': grpcCode.notFound,
    conflict: grpcCode.alreadyExists,
  };
  const code = error instanceof SkiffError ? codes[error.kind] : undefined;
  return new GrpcError(code ?? grpcCode.unknown, messageOf(error));
}

type Metadata = GrpcCall['metadata'];

const outputOf = (metadata: Metadata): string => String(metadata['buildkit-attachable-exporter-id'] ?? '0');
const targetOf = ({ outputs }: BuildSessionParts, metadata: Metadata): OutputTarget | undefined =>
  outputs.get(Number(outputOf(metadata)));

async function* take(
  parts: BuildSessionParts,
  requests: AsyncIterable<never>,
  { metadata }: GrpcCall,
): AsyncGenerator<unknown> {
  const target = targetOf(parts, metadata);
  if (!target) throw errors.noOutput(outputOf(metadata));
  if (target.kind === 'archive') {
    await target.take(piecesOf(requests));
    return;
  }
  target.onProgress('begun');
  try {
    yield* receiveFolder(requests as AsyncIterable<fsutil.Packet>, target);
    target.onProgress('whole');
  } catch (error) {
    throw errors.incomplete(target.path, messageOf(error));
  }
}

async function* piecesOf(messages: AsyncIterable<filesync.BytesMessage>): AsyncGenerator<Uint8Array> {
  for await (const { data } of messages) yield data;
}

function contentHandlers({ stores }: BuildSessionParts): Record<string, GrpcHandler> {
  const { method } = content.Content;
  const storeOf = ({ metadata }: GrpcCall): LayoutFolder => {
    const id = String(metadata['buildkit-attachable-store-id'] ?? '');
    const path = stores.get(id);
    if (path === undefined) throw errors.noStore(id);
    return new LayoutFolder(path);
  };
  return {
    info: unary(method.info, async ({ digest }, call) => {
      const size = BigInt(storeOf(call).sizeOf(digest));
      return create(content.InfoResponseSchema, { info: { digest, size } });
    }),
    read: serverStreaming(method.read, async function* ({ digest, offset, size }, call) {
      let at = offset;
      for await (const data of storeOf(call).read(digest, Number(offset), Number(size))) {
        yield create(content.ReadContentResponseSchema, { offset: at, data });
        at += BigInt(data.length);
      }
    }),
    write: (requests, call) => storeOf(call).write(requests),
  };
}

function agentHandlers({ agents }: BuildSessionParts): Record<string, GrpcHandler> {
  return {
    checkAgent: unary(ssh.SSH.method.checkAgent, async ({ ID }) => {
      if (!agents.has(ID || 'default')) throw errors.noAgent(ID);
      return create(ssh.CheckAgentResponseSchema);
    }),
    forwardAgent: (requests, call) => forward(agents, requests, call),
  };
}

/** Bytes of a connection, both ways. */
async function* forward(
  agents: ReadonlyMap<string, string>,
  requests: AsyncIterable<ssh.BytesMessage>,
  { metadata, signal }: GrpcCall,
): AsyncGenerator<unknown> {
  const id = String(metadata['buildkit.ssh.id'] ?? 'default');
  const path = agents.get(id);
  if (path === undefined) throw errors.noAgent(id);
  const socket = connect(path);
  const leave = (): void => void socket.destroy();
  signal.addEventListener('abort', leave, { once: true });
  const sending = (async () => {
    for await (const { data } of requests) {
      if (!socket.write(data))
        await new Promise<void>((resolve) => socket.once('drain', resolve).once('close', resolve));
    }
    socket.end();
  })();
  sending.catch(leave);
  try {
    for await (const data of socket) yield { data: data as Buffer };
  } finally {
    socket.destroy();
    signal.removeEventListener('abort', leave);
  }
}
