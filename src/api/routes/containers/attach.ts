/** Routes that join a client with a container's own streams: over a connection taken over, or a WebSocket. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { nowNs } from '#base';
import {
  announceDetach,
  attachAfterLog,
  attachContainer,
  checkAttachable,
  type EngineParts,
  findContainer,
  type LogMark,
  logPathOf,
  readLog,
} from '#engine';
import type { RequestContext, Route } from '#rpc';
import { frame } from '#wire';
import { errors } from '../../errors.ts';
import { closedSignal, drained } from '../../gone.ts';
import { type Detach, detachOf, joinStreams } from '../../join-streams.ts';
import { outputType } from '../../output-type.ts';
import { boolean } from '../../query.ts';
import { minorVersion } from '../../version.ts';

export function attachRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'POST', path: '/containers/{id}/attach', handle: (context) => attach(parts, context) },
    { method: 'GET', path: '/containers/{id}/attach/ws', handle: (context) => attachWebSocket(parts, context) },
  ];
}

interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

interface Session {
  readonly id: string;
  readonly streams: Streams;
  readonly raw: boolean;
  /** What is in the log already comes first. */
  readonly replay: boolean;
  /** And what comes from now on. */
  readonly stream: boolean;
  readonly detach: Detach | undefined;
  readonly signal: AbortSignal;
  /** Takes the connection over. */
  open(): Duplex;
}

async function attach(parts: EngineParts, context: RequestContext): Promise<void> {
  const { query, url } = context;
  const streams = streamsOf(query);
  const session = sessionOf(parts, context, streams);
  await run(parts, { ...session, open: () => context.hijack(outputType(session.raw, url)) });
}

/** compat: one stream of plain bytes, for a WebSocket has no frames of ours; until 1.41 all streams, whatever is asked. */
async function attachWebSocket(parts: EngineParts, context: RequestContext): Promise<void> {
  const minor = minorVersion(context.url);
  const streams = minor < 42 ? { stdin: true, stdout: true, stderr: true } : streamsOf(context.query);
  const session = sessionOf(parts, context, streams);
  if (context.request.headers['sec-websocket-key'] === undefined) throw errors.invalid('not websocket protocol');
  await run(parts, {
    ...session,
    raw: true,
    open: () => {
      const client = context.webSocket(minor < 28);
      if (!client) throw errors.invalid('not websocket protocol');
      return client;
    },
  });
}

function streamsOf(query: URLSearchParams): Streams {
  return { stdin: boolean(query, 'stdin'), stdout: boolean(query, 'stdout'), stderr: boolean(query, 'stderr') };
}

/** Throws what makes it impossible, before the connection is taken over. */
function sessionOf(
  parts: EngineParts,
  { params, query, signal }: RequestContext,
  streams: Streams,
): Omit<Session, 'open'> {
  const record = findContainer(parts, params['id']!);
  checkAttachable(record);
  const keys = detachOf(query.get('detachKeys') ?? '');
  const isTyped = streams.stdin && record.settings.tty;
  return {
    id: record.id,
    streams,
    raw: record.settings.tty,
    replay: boolean(query, 'logs'),
    // compat: who asks for no stream is not waited for.
    stream: boolean(query, 'stream') && (streams.stdin || streams.stdout || streams.stderr),
    detach: isTyped ? { ...keys, announce: () => announceDetach(parts, record.id) } : undefined,
    signal,
  };
}

async function run(parts: EngineParts, session: Session): Promise<void> {
  const { id, streams, raw, replay, stream, detach, signal } = session;
  // The client of a running container is connected before it is told so: from then on it misses nothing.
  if (stream && findContainer(parts, id).status === 'running') {
    const wish = { ...streams, raw };
    const begun: ReturnType<typeof attachAfterLog> = replay
      ? attachAfterLog(parts, id, wish)
      : attachContainer(parts, id, wish, signal).then((socket) => ({ socket }));
    const attached = await begun.catch(() => undefined);
    // Of a shim that does not say where its log stands.
    const untilNs = nowNs();
    // Connected and read by nobody, it would hold the container up.
    using undo = new DisposableStack();
    undo.defer(() => attached?.socket.destroy());
    const client = session.open();
    const end = attached?.mark ? { mark: attached.mark } : { untilNs };
    if (replay) await replayLog(parts, id, client, { ...wish, ...end });
    undo.move();
    if (attached) joinStreams(client, attached.socket, detach);
    else client.end();
    return;
  }
  const client = session.open();
  if (replay) await replayLog(parts, id, client, { ...streams, raw });
  if (!stream) {
    client.end();
    return;
  }
  const gone = AbortSignal.any([signal, closedSignal(client)]);
  let container: Socket;
  try {
    container = await attachContainer(parts, id, { ...streams, raw }, gone);
  } catch {
    client.end();
    return;
  }
  joinStreams(client, container, detach);
}

/** As fast as the client reads. When it fails, the client hears its connection end. */
async function replayLog(
  parts: EngineParts,
  id: string,
  client: Duplex,
  { mark, ...wish }: { stdout: boolean; stderr: boolean; raw: boolean; untilNs?: bigint; mark?: LogMark },
): Promise<void> {
  const gone = closedSignal(client);
  try {
    const source = {
      path: logPathOf(parts.options, id),
      maxFiles: findContainer(parts, id).settings.host.log.maxFiles,
      ended: Promise.resolve(),
      ...(mark ? { end: mark } : {}),
    };
    for await (const line of readLog(source, { ...wish, follow: false })) {
      if (gone.aborted) return;
      if (!client.write(wish.raw ? line.text : frame(line.stream, line.text))) await drained(client, gone);
    }
  } catch (error) {
    client.destroy();
    throw error;
  }
}
