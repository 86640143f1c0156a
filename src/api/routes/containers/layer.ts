/** What a container has written: as an image, as a list of changes, as a tar. */
import { pipeline } from 'node:stream/promises';
import { changesOfContainer, commitContainer, type EngineParts, exportContainer } from '#engine';
import type { RequestContext, Route } from '#rpc';
import { readJson } from '#rpc';
import { Fields, isObject, readExecution } from '#specs';
import { checkedBody } from '../../body-shape.ts';
import { containerConfig } from '../../body-shapes.ts';
import { errors } from '../../errors.ts';
import { sendJson } from '../../http-status.ts';
import { imageName } from '../../image-name.ts';
import { boolean } from '../../query.ts';

export function layerRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'POST', path: '/commit', handle: (context) => commit(parts, context) },
    {
      method: 'GET',
      path: '/containers/{id}/changes',
      handle: async ({ params, response }) => {
        const changes = await changesOfContainer(parts, params['id']!);
        const rows = changes.map(({ kind, path }) => ({ Path: path, Kind: KINDS[kind] }));
        sendJson(response, 200, rows.length === 0 ? null : rows);
      },
    },
    { method: 'GET', path: '/containers/{id}/export', handle: (context) => exportTar(parts, context) },
  ];
}

/** compat: numbers of moby's archive.ChangeType. */
const KINDS = { modified: 0, added: 1, deleted: 2 } as const;

/** Keys of the body that name what a commit may replace. */
const OVERRIDES = {
  User: 'user',
  Env: 'env',
  Entrypoint: 'entrypoint',
  Cmd: 'command',
  WorkingDir: 'workingDirectory',
  Labels: 'labels',
  StopSignal: 'stopSignal',
  ExposedPorts: 'exposedPorts',
  Volumes: 'volumes',
  Healthcheck: 'healthcheck',
  OnBuild: 'onBuild',
  Shell: 'shell',
} as const;

async function commit(parts: EngineParts, { request, query, response, signal }: RequestContext): Promise<void> {
  const container = query.get('container') ?? '';
  if (container === '') throw errors.invalid('no container was named: give container=NAME');
  const image = await commitContainer(parts, {
    container,
    ...(query.get('repo') ? { reference: imageName(query) } : {}),
    comment: query.get('comment') ?? '',
    author: query.get('author') ?? '',
    changes: query.getAll('changes'),
    pause: boolean(query, 'pause', true),
    overrides: overridesOf(checkedBody(await readJson(request), containerConfig)),
    signal,
  });
  sendJson(response, 201, { Id: image.id });
}

/** compat: only what the body gives a value for is replaced. */
function overridesOf(body: Record<string, unknown>): Record<string, unknown> {
  const execution: Record<string, unknown> = { ...readExecution(new Fields(body, 'the body', '')) };
  const given = Object.entries(OVERRIDES).filter(([key]) => {
    const value = body[key];
    return (
      value !== null && value !== undefined && value !== '' && !(isObject(value) && Object.keys(value).length === 0)
    );
  });
  return Object.fromEntries(given.map(([, name]) => [name, execution[name]]));
}

async function exportTar(parts: EngineParts, { params, response, signal }: RequestContext): Promise<void> {
  const tar = exportContainer(parts, params['id']!);
  response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
  try {
    await pipeline(tar, response);
  } catch (error) {
    if (!signal.aborted) parts.log.error('an export broke off', { container: params['id']!, error: String(error) });
    response.destroy();
  }
}
