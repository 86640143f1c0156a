/** Routes that move a container through its life: create, start, stop, kill, pause, wait, rename, update, delete. */
import {
  createContainer,
  type EngineParts,
  findContainer,
  inspectContainer,
  killContainer,
  parseRestartPolicy,
  pauseContainer,
  removeContainer,
  removeLink,
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
import { type Incoming, readJson, type RequestContext, type Route } from '#rpc';
import type { ContainerCreateBody, UpdateBody } from '#specs';
import { checkedBody } from '../../body-shape.ts';
import { createBody, updateBody } from '../../body-shapes.ts';
import { parseCreateBody } from '../../create-body.ts';
import { parseNetworkLimits } from '../../create-networking.ts';
import { mergeResources, refuseKernelMemory, updateWarnings, windowsWarnings } from '../../create-resources.ts';
import { errors } from '../../errors.ts';
import { sendJson, sendNothing } from '../../http-status.ts';
import { boolean, integer } from '../../query.ts';
import { minorVersion } from '../../version.ts';
import { platformOf } from '../images/platform.ts';

export function lifecycleRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'POST', path: '/containers/create', handle: (context) => create(parts, context) },
    {
      method: 'POST',
      path: '/containers/{id}/start',
      handle: async ({ params, request, query, response }) => {
        await refuseBody(request);
        if (query.get('checkpoint')) throw errors.unsupported('a checkpoint', 'start without it');
        await startContainer(parts, params['id']!);
        sendNothing(response, 204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/stop',
      handle: async ({ params, query, url, response }) => {
        await stopContainer(parts, params['id']!, stopOptions(query, url));
        sendNothing(response, 204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/restart',
      handle: async ({ params, query, url, response }) => {
        await restartContainer(parts, params['id']!, stopOptions(query, url));
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
      handle: async ({ params, request, url, response }) => {
        const body = checkedBody<UpdateBody>(await readJson(request), updateBody);
        refuseKernelMemory(body);
        const warnings = windowsWarnings(body);
        // compat: a limit of processes could be changed since 1.40.
        const limits = minorVersion(url) < 40 ? { ...body, PidsLimit: null } : body;
        const { Name = '', MaximumRetryCount = 0 } = body.RestartPolicy ?? {};
        const restart = Name === '' ? undefined : parseRestartPolicy(Name, MaximumRetryCount);
        const discarded = await updateContainer(parts, params['id']!, {
          resources: (before) => mergeResources(before, limits),
          networkLimits: parseNetworkLimits(body.NetworkLimits ?? {}),
          ...(restart ? { restart } : {}),
        });
        const { HostConfig } = inspectContainer(parts, findContainer(parts, params['id']!));
        const fixed = updateWarnings(body, { ...HostConfig });
        sendJson(response, 200, { Warnings: [...warnings, ...discarded, ...fixed] });
      },
    },
    { method: 'POST', path: '/containers/{id}/wait', handle: (context) => wait(parts, context) },
    {
      method: 'DELETE',
      path: '/containers/{id}',
      handle: async ({ params, query, response }) => {
        if (boolean(query, 'link')) {
          await removeLink(parts, params['id']!);
          return sendNothing(response, 204);
        }
        const [force, volumes] = [boolean(query, 'force'), boolean(query, 'v')];
        await removeContainer(parts, params['id']!, { force, volumes });
        sendNothing(response, 204);
      },
    },
    {
      // compat: the name of a link has a slash in it, and Docker's client sends it as it is.
      method: 'DELETE',
      path: '/containers/{id}/{alias}',
      handle: async ({ params, query, response }) => {
        const name = `${params['id']!}/${params['alias']!}`;
        // compat: there it stands for the container it leads to.
        if (!boolean(query, 'link')) throw errors.invalid(`${name} is the name of a link: remove it with link=1`);
        await removeLink(parts, name);
        sendNothing(response, 204);
      },
    },
  ];
}

/** compat: settings at the start went with API 1.24; an empty object is what old clients send without any. */
async function refuseBody(request: Incoming): Promise<void> {
  const body = await readJson(request);
  if (body === undefined || body === null || Object.keys(body).length === 0) return;
  throw errors.invalid(
    'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
  );
}

async function create(parts: EngineParts, { request, query, url, response }: RequestContext): Promise<void> {
  const body = await readJson(request);
  if (body === undefined || body === null)
    throw errors.invalid('config cannot be empty in order to create a container');
  const asked = checkedBody<ContainerCreateBody>(body, createBody);
  const settings = parseCreateBody(asked, minorVersion(url), parts.settings.current.defaults);
  const discarded = windowsWarnings(asked.HostConfig ?? {});
  const platform = minorVersion(url) < 41 ? undefined : platformOf(query);
  const { record, warnings } = await createContainer(parts, settings, {
    name: query.get('name') ?? '',
    ...(platform ? { platform } : {}),
  });
  sendJson(response, 201, { Id: record.id, Warnings: [...discarded, ...warnings] });
}

/** compat: the head goes out at once, so that a client knows it is being waited for before it starts the container. */
async function wait(parts: EngineParts, { params, query, url, response, signal }: RequestContext): Promise<void> {
  // compat: conditions, and the head at once, came with 1.30.
  const isOld = minorVersion(url) < 30;
  const condition = (isOld ? '' : query.get('condition')) || 'not-running';
  if (!isCondition(condition)) throw errors.invalid(`invalid condition: "${condition}"`);
  const result = waitForContainer(parts, params['id']!, condition, signal);
  // A reference nobody knows is refused before the head is out.
  await Promise.race([result, Promise.resolve()]);
  response.writeHead(200, { 'Content-Type': 'application/json' });
  if (!isOld) response.flushHeaders();
  const { code, error } = await result;
  response.end(`${JSON.stringify({ StatusCode: code, ...(error === '' ? {} : { Error: { Message: error } }) })}\n`);
}

function isCondition(text: string): text is WaitCondition {
  return text === 'not-running' || text === 'next-exit' || text === 'removed';
}

/** compat: a signal of the caller's choice came with 1.42. */
function stopOptions(query: URLSearchParams, url: URL): StopOptions {
  const timeout = integer(query, 't');
  const signal = minorVersion(url) < 42 ? '' : query.get('signal');
  return { ...(signal ? { signal } : {}), ...(timeout === undefined ? {} : { timeoutSeconds: timeout }) };
}
