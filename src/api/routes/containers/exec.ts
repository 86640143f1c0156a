/** Further processes in a container, and sizes of terminals. */
import { messageOf } from '#base';
import {
  announceDetach,
  checkExecStart,
  createExec,
  type EngineParts,
  type ExecSettings,
  findExec,
  prepareExec,
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
import { detachOf, joinStreams } from '../../join-streams.ts';
import { sendJson, sendNothing } from '../../http-status.ts';
import { integer } from '../../query.ts';
import { minorVersion } from '../../version.ts';
import { outputType } from '../../output-type.ts';

export function execRoutes(parts: EngineParts): Route[] {
  return [
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
        const instance = createExec(parts, params['id']!, execSettings(body, minorVersion(url)));
        sendJson(response, 201, { Id: instance.id });
        prepareExec(parts, instance);
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

/** compat: a size for the terminal came with 1.42. */
function execSettings(body: ExecCreateBody, minor: number): ExecSettings {
  const command = typeof body.Cmd === 'string' ? [body.Cmd] : (body.Cmd ?? []);
  const consoleSize = minor < 42 ? undefined : sizeOf(body.ConsoleSize);
  if (body.DetachKeys) detachOf(body.DetachKeys);
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
  const { id, containerId, settings } = findExec(parts, params['id']!);
  if (body.Detach === true) {
    await startExec(parts, params['id']!, undefined);
    sendNothing(response, 200);
    return;
  }
  // compat: what the client says of the terminal now, not what it said when the exec was created, decides about frames.
  const raw = body.Tty ?? false;
  const options = { ...settings.attach, raw, closeStdin: true };
  checkExecStart(parts, params['id']!);
  // compat: the connection is taken over first; why the process did not start is then written to it.
  const detach = settings.tty && settings.attach.stdin ? detachOf(settings.detachKeys) : undefined;
  const client = context.hijack(outputType(raw, url));
  try {
    const { stream, process } = await startExec(parts, params['id']!, options, sizeOf(body.ConsoleSize));
    const leaving = detach && { ...detach, announce: () => announceDetach(parts, containerId, id) };
    if (stream) joinStreams(client, stream, leaving, process.exited);
  } catch (error) {
    const text = Buffer.from(`OCI runtime exec failed: ${messageOf(error)}\r\n`);
    client.end(raw ? text : frame('stdout', text));
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
