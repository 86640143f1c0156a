/** Routes that move a container through its life: create, start, stop, kill, pause, wait, rename, update, delete. */
import {
  createContainer,
  type EngineParts,
  killContainer,
  parseRestartPolicy,
  pauseContainer,
  removeContainer,
  renameContainer,
  restartContainer,
  type StopOptions,
  startContainer,
  stopContainer,
  unpauseContainer,
  updateContainer,
  type WaitCondition,
  waitForContainer,
} from '#engine';
import { type RequestContext, type Route, readJson } from '#rpc';
import type { UpdateBody } from '#specs';
import { parseCreateBody } from '../../create-body.ts';
import { mergeResources } from '../../create-resources.ts';
import { errors } from '../../errors.ts';
import { sendJson, sendNothing } from '../../http-status.ts';
import { boolean, integer } from '../../query.ts';

export function lifecycleRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'POST', path: '/containers/create', handle: (context) => create(parts, context) },
    {
      method: 'POST',
      path: '/containers/{id}/start',
      handle: async ({ params, response }) => {
        await startContainer(parts, params['id']!);
        sendNothing(response, 204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/stop',
      handle: async ({ params, query, response }) => {
        await stopContainer(parts, params['id']!, stopOptions(query));
        sendNothing(response, 204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/restart',
      handle: async ({ params, query, response }) => {
        await restartContainer(parts, params['id']!, stopOptions(query));
        sendNothing(response, 204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/kill',
      handle: async ({ params, query, response }) => {
        await killContainer(parts, params['id']!, query.get('signal') ?? '');
        sendNothing(response, 204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/pause',
      handle: async ({ params, response }) => {
        await pauseContainer(parts, params['id']!);
        sendNothing(response, 204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/unpause',
      handle: async ({ params, response }) => {
        await unpauseContainer(parts, params['id']!);
        sendNothing(response, 204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/rename',
      handle: async ({ params, query, response }) => {
        await renameContainer(parts, params['id']!, query.get('name') ?? '');
        sendNothing(response, 204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/update',
      handle: async ({ params, request, response }) => {
        const body = ((await readJson(request)) ?? {}) as UpdateBody;
        const { Name = '', MaximumRetryCount = 0 } = body.RestartPolicy ?? {};
        const restart = Name === '' ? undefined : parseRestartPolicy(Name, MaximumRetryCount);
        await updateContainer(parts, params['id']!, (before) => mergeResources(before, body), restart);
        sendJson(response, 200, { Warnings: [] });
      },
    },
    { method: 'POST', path: '/containers/{id}/wait', handle: (context) => wait(parts, context) },
    {
      method: 'DELETE',
      path: '/containers/{id}',
      handle: async ({ params, query, response }) => {
        if (boolean(query, 'link')) throw errors.unsupported('removing a link', 'links come with networks');
        await removeContainer(parts, params['id']!, { force: boolean(query, 'force') });
        sendNothing(response, 204);
      },
    },
  ];
}

async function create(parts: EngineParts, { request, query, response }: RequestContext): Promise<void> {
  const body = await readJson(request);
  if (body === undefined || body === null)
    throw errors.invalid('config cannot be empty in order to create a container');
  if (typeof body !== 'object') throw errors.invalid('the body of create has to be a JSON object');
  const settings = parseCreateBody(body, parts.settings.current.defaults);
  const { id } = await createContainer(parts, settings, query.get('name') ?? '');
  sendJson(response, 201, { Id: id, Warnings: [] });
}

/** compat: the head goes out at once, so that a client knows it is being waited for before it starts the container. */
async function wait(parts: EngineParts, { params, query, response, signal }: RequestContext): Promise<void> {
  const condition = query.get('condition') || 'not-running';
  if (!isCondition(condition)) throw errors.invalid(`invalid condition: "${condition}"`);
  const result = waitForContainer(parts, params['id']!, condition, signal);
  // A reference nobody knows is refused before the head is out.
  await Promise.race([result, Promise.resolve()]);
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.flushHeaders();
  const { code, error } = await result;
  response.end(`${JSON.stringify({ StatusCode: code, ...(error === '' ? {} : { Error: { Message: error } }) })}\n`);
}

function isCondition(text: string): text is WaitCondition {
  return text === 'not-running' || text === 'next-exit' || text === 'removed';
}

function stopOptions(query: URLSearchParams): StopOptions {
  const timeout = integer(query, 't');
  const signal = query.get('signal');
  return { ...(signal ? { signal } : {}), ...(timeout === undefined ? {} : { timeoutSeconds: timeout }) };
}
