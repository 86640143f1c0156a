/** `/build/debug`: a terminal in the state before the step that failed last. Only our client knows it. */
import type { Builder } from '#build';
import { messageOf } from '#base';
import type { RequestContext, Route } from '#rpc';
import { errors } from '../../errors.ts';
import { sendJson, sendNothing } from '../../http-status.ts';
import { joinStreams } from '../../join-streams.ts';
import { outputType } from '../../output-type.ts';
import { integer } from '../../query.ts';

interface Session {
  resize?: (rows: number, columns: number) => Promise<void>;
  exitCode?: number;
}

/** Those that have ended are forgotten when they were asked about, or when there are too many. */
const MOST_SESSIONS = 100;

export function debugRoutes(builder: Builder): Route[] {
  const sessions = new Map<string, Session>();
  return [
    {
      method: 'GET',
      path: '/build/debug',
      handle: async ({ response }) => sendJson(response, 200, failedStep(builder)),
    },
    { method: 'POST', path: '/build/debug', handle: (context) => open(builder, sessions, context) },
    {
      method: 'GET',
      path: '/build/debug/{session}',
      handle: async ({ params, response }) => {
        const { exitCode } = find(sessions, params['session']!);
        if (exitCode !== undefined) sessions.delete(params['session']!);
        sendJson(response, 200, { Running: exitCode === undefined, ExitCode: exitCode ?? null });
      },
    },
    {
      method: 'POST',
      path: '/build/debug/{session}/resize',
      handle: async ({ params, query, response }) => {
        const { rows, columns } = sizeOf(query);
        await find(sessions, params['session']!).resize?.(rows, columns);
        sendNothing(response, 200);
      },
    },
  ];
}

function failedStep(builder: Builder): { readonly ID: string; readonly Name: string } {
  const { id, name } = builder.failed.latest();
  return { ID: id, Name: name };
}

async function open(builder: Builder, sessions: Map<string, Session>, context: RequestContext): Promise<void> {
  const { query, url } = context;
  const name = query.get('session') ?? '';
  if (!/^[0-9a-f]{12,64}$/.test(name)) throw errors.invalid(`invalid session '${name}'`);
  const size = sizeOf(query);
  // Refused with a status as long as that is possible.
  builder.failed.latest();
  const session: Session = {};
  sessions.set(name, session);
  for (const old of [...sessions.keys()].slice(0, -MOST_SESSIONS)) sessions.delete(old);
  const client = context.hijack(outputType(true, url));
  const gone = new AbortController();
  // A terminal that says nothing any more is gone, half closed or not.
  for (const event of ['end', 'close']) client.once(event, () => gone.abort());
  try {
    session.exitCode = await builder.failed.debug({
      ...size,
      type: query.get('term') ?? '',
      join: async (process) => {
        session.resize = (rows, columns) => process.resize(rows, columns);
        const socket = await process.attach({ stdin: true, stdout: true, stderr: true, raw: true, closeStdin: true });
        const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
        joinStreams(client, socket, undefined, process.exited);
        return { ended };
      },
      signal: gone.signal,
    });
  } catch (error) {
    session.exitCode = 126;
    if (!client.destroyed) client.end(`${messageOf(error)}\r\n`);
  }
}

function find(sessions: ReadonlyMap<string, Session>, name: string): Session {
  const session = sessions.get(name);
  if (!session) throw errors.noDebugSession(name);
  return session;
}

function sizeOf(query: URLSearchParams): { readonly rows: number; readonly columns: number } {
  const [rows = 24, columns = 80] = [integer(query, 'h'), integer(query, 'w')];
  if (rows < 0 || rows > 65535 || columns < 0 || columns > 65535) {
    throw errors.invalid(`invalid size ${rows}x${columns}`);
  }
  return { rows, columns };
}
