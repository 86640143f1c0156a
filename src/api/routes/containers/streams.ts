/** Routes that take a connection over: attach; and exec in all its parts. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, nowNs } from '#base';
import {
  attachContainer,
  checkAttachable,
  checkExecStart,
  createExec,
  type EngineParts,
  type ExecSettings,
  findContainer,
  findExec,
  logPathOf,
  readLog,
  resizeContainer,
  resizeExec,
  startExec,
} from '#engine';
import { type RequestContext, type Route, readJson } from '#rpc';
import type { ExecCreateBody, ExecStartBody } from '#specs';
import { frame } from '#wire';
import { checkedBody } from '../../body-shape.ts';
import { execBody, execStartBody } from '../../body-shapes.ts';
import { errors } from '../../errors.ts';
import { sendJson, sendNothing } from '../../http-status.ts';
import { boolean, integer } from '../../query.ts';
import { minorVersion } from '../../version.ts';
import { outputType } from '../../output-type.ts';

export function streamRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'POST', path: '/containers/{id}/attach', handle: (context) => attach(parts, context) },
    {
      method: 'POST',
      path: '/containers/{id}/resize',
      handle: async ({ params, query, response }) => {
        await resizeContainer(parts, params['id']!, size(query, 'h'), size(query, 'w'));
        sendNothing(response, 200);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/exec',
      handle: async ({ params, request, url, response }) => {
        const body = checkedBody<ExecCreateBody>(await readJson(request), execBody);
        const { id } = createExec(parts, params['id']!, execSettings(body, minorVersion(url)));
        sendJson(response, 201, { Id: id });
      },
    },
    { method: 'POST', path: '/exec/{id}/start', handle: (context) => startExecRoute(parts, context) },
    {
      method: 'POST',
      path: '/exec/{id}/resize',
      handle: async ({ params, query, response }) => {
        await resizeExec(parts, params['id']!, size(query, 'h'), size(query, 'w'));
        sendNothing(response, 200);
      },
    },
    { method: 'GET', path: '/exec/{id}/json', handle: async (context) => inspectExec(parts, context) },
  ];
}

async function attach(parts: EngineParts, context: RequestContext): Promise<void> {
  const { params, query, url, signal } = context;
  const record = findContainer(parts, params['id']!);
  checkAttachable(record);
  const stdin = boolean(query, 'stdin');
  const stdout = boolean(query, 'stdout');
  const stderr = boolean(query, 'stderr');
  const raw = record.settings.tty;
  const type = outputType(raw, url);
  const stream = boolean(query, 'stream');
  const replay = boolean(query, 'logs');
  // The client of a running container is connected before it is told so: from then on it misses nothing.
  if (stream && record.status === 'running') {
    const container = await attachContainer(parts, record.id, { stdin, stdout, stderr }, signal).catch(() => undefined);
    // What was written after this moment comes through the stream, so the replay ends here.
    const untilNs = nowNs();
    const client = context.hijack(type);
    if (replay) await replayLog(parts, record.id, client, { stdout, stderr, raw, untilNs });
    if (container) join(client, container);
    else client.end();
    return;
  }
  const client = context.hijack(type);
  if (replay) await replayLog(parts, record.id, client, { stdout, stderr, raw });
  if (!stream) {
    client.end();
    return;
  }
  const gone = new AbortController();
  signal.addEventListener('abort', () => gone.abort(signal.reason), { once: true });
  client.once('close', () => gone.abort(new Error('the client has gone')));
  let container: Socket;
  try {
    container = await attachContainer(parts, record.id, { stdin, stdout, stderr }, gone.signal);
  } catch {
    client.end();
    return;
  }
  join(client, container);
}

async function replayLog(
  parts: EngineParts,
  id: string,
  client: Duplex,
  wish: { stdout: boolean; stderr: boolean; raw: boolean; untilNs?: bigint },
): Promise<void> {
  const record = findContainer(parts, id);
  const source = {
    path: logPathOf(parts.options, id),
    maxFiles: record.settings.host.log.maxFiles,
    ended: Promise.resolve(),
  };
  for await (const line of readLog(source, { ...wish, follow: false })) {
    client.write(wish.raw ? line.text : frame(line.stream, line.text));
  }
}

/** The shim already speaks Docker's stream format: bytes pass through unread. */
function join(client: Duplex, container: Socket): void {
  // What the client still sends is read and dropped: a reset could cost it output that is on its way.
  const finish = (): void => {
    client.unpipe(container);
    client.end();
    client.resume();
    container.destroy();
  };
  container.on('error', finish);
  container.once('end', finish);
  client.on('error', () => container.destroy());
  client.on('close', () => container.destroy());
  if (client.destroyed) container.destroy();
  client.pipe(container);
  container.pipe(client, { end: false });
}

/** compat: a size for the terminal came with 1.42. */
function execSettings(body: ExecCreateBody, minor: number): ExecSettings {
  const command = typeof body.Cmd === 'string' ? [body.Cmd] : (body.Cmd ?? []);
  const consoleSize = minor < 42 ? undefined : sizeOf(body.ConsoleSize);
  return {
    args: command,
    env: body.Env ?? [],
    user: body.User ?? '',
    workingDirectory: body.WorkingDir ?? '',
    privileged: body.Privileged ?? false,
    tty: body.Tty ?? false,
    attach: {
      stdin: body.AttachStdin ?? false,
      stdout: body.AttachStdout ?? false,
      stderr: body.AttachStderr ?? false,
    },
    detachKeys: body.DetachKeys ?? '',
    ...(consoleSize ? { consoleSize } : {}),
  };
}

/** compat: clients send zeros when they have no terminal themselves. */
function sizeOf(size: readonly number[] | null | undefined): ExecSettings['consoleSize'] {
  const [rows = 0, columns = 0] = size ?? [];
  return rows > 0 && columns > 0 ? { rows, columns } : undefined;
}

async function startExecRoute(parts: EngineParts, context: RequestContext): Promise<void> {
  const { params, request, url, response } = context;
  const body = checkedBody<ExecStartBody>(await readJson(request), execStartBody);
  const { settings } = findExec(parts, params['id']!);
  if (body.Detach === true) {
    await startExec(parts, params['id']!, undefined);
    sendNothing(response, 200);
    return;
  }
  const options = { ...settings.attach, raw: settings.tty, closeStdin: true };
  checkExecStart(parts, params['id']!);
  // compat: the connection is taken over first; why the process did not start is then written to it.
  const client = context.hijack(outputType(settings.tty, url));
  try {
    const { stream } = await startExec(parts, params['id']!, options, sizeOf(body.ConsoleSize));
    if (stream) join(client, stream);
  } catch (error) {
    const text = Buffer.from(`OCI runtime exec failed: ${messageOf(error)}\r\n`);
    client.end(settings.tty ? text : frame('stdout', text));
  }
}

function inspectExec(parts: EngineParts, { params, response }: RequestContext): void {
  const instance = findExec(parts, params['id']!);
  const { settings, state } = instance;
  const [entrypoint = '', ...rest] = settings.args;
  sendJson(response, 200, {
    ID: instance.id,
    Running: state.status === 'running' || state.status === 'starting',
    ExitCode: state.status === 'ended' ? state.exitCode : null,
    ProcessConfig: {
      tty: settings.tty,
      entrypoint,
      arguments: rest,
      privileged: settings.privileged,
      ...(settings.user === '' ? {} : { user: settings.user }),
    },
    OpenStdin: settings.attach.stdin,
    OpenStderr: settings.attach.stderr,
    OpenStdout: settings.attach.stdout,
    // compat: moby never says otherwise of an exec that began.
    CanRemove: false,
    ContainerID: instance.containerId,
    DetachKeys: settings.detachKeys,
    Pid: state.status === 'running' ? state.process.pid : state.status === 'ended' ? state.pid : 0,
  });
}

function size(query: URLSearchParams, name: string): number {
  const value = integer(query, name);
  if (value === undefined || value < 0 || value > 65535)
    throw errors.invalid(`invalid value for ${name}: '${query.get(name) ?? ''}'`);
  return value;
}
