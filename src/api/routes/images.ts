/** Image routes of this version: import, list, inspect, remove, tag is not there yet. */
import { parseTimeNs } from '#base';
import { containerOfImage, type EngineParts, hasLabel } from '#engine';
import type { ImageRecord } from '#images';
import type { RequestContext, Route } from '#rpc';
import type { ImageSummary } from '#specs';
import { errors } from '../errors.ts';
import { httpStatus, sendJson } from '../http-status.ts';
import { boolean, type Filters, filters } from '../query.ts';

export function imageRoutes(parts: EngineParts): Route[] {
  return [
    {
      method: 'GET',
      path: '/images/json',
      handle: async ({ query, response }) => {
        const wanted = filters(query, ['dangling', 'label']);
        const matching = parts.images.list().filter((image) => matches(image, wanted));
        sendJson(response, 200, matching.map(summarize));
      },
    },
    { method: 'POST', path: '/images/create', handle: (context) => create(parts, context) },
    { method: 'GET', path: '/images/{name...}/json', handle: (context) => inspect(parts, context) },
    { method: 'DELETE', path: '/images/{name...}', handle: (context) => remove(parts, context) },
  ];
}

/** All labels, and any value of dangling. */
function matches(image: ImageRecord, wanted: Filters): boolean {
  const dangling = wanted.get('dangling');
  const isDangling = image.tags.length === 0;
  return (
    (wanted.get('label') ?? []).every((wish) => hasLabel(image.config.labels, wish)) &&
    (dangling === undefined || dangling.some((value) => (value === 'true' || value === '1') === isDangling))
  );
}

function summarize(image: ImageRecord): ImageSummary {
  return {
    Id: image.id,
    ParentId: '',
    RepoTags: image.tags,
    RepoDigests: [],
    Created: Number((parseTimeNs(image.createdAt) ?? 0n) / 1_000_000_000n),
    Size: image.sizeBytes,
    SharedSize: -1,
    Labels: image.config.labels,
    Containers: -1,
  };
}

/** compat: `fromSrc=-` takes the tar from the body; progress is a line of JSON each, errors after the head too. */
async function create(parts: EngineParts, { request, query, response, signal }: RequestContext): Promise<void> {
  if (query.get('fromImage'))
    throw errors.unsupported('pulling an image', 'import a root file system with skiff import');
  if (query.get('fromSrc') !== '-') throw errors.unsupported('importing from a URL', 'send the tar itself');
  const repository = query.get('repo') ?? '';
  const tag = query.get('tag') ?? '';
  const reference = repository === '' ? undefined : tag === '' ? repository : `${repository}:${tag}`;
  const image = await parts.images.import(request, {
    ...(reference === undefined ? {} : { reference }),
    message: query.get('message') ?? '',
    changes: query.getAll('changes'),
    signal,
  });
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify({ status: image.id })}\n`);
  parts.events.emit('image', 'import', image.id, { name: reference ?? image.id });
}

async function inspect(parts: EngineParts, { params, response }: RequestContext): Promise<void> {
  const image = await parts.images.find(params['name']!);
  if (!image) {
    sendJson(response, httpStatus['not-found'], { message: `No such image: ${params['name']}` });
    return;
  }
  const { config } = image;
  sendJson(response, 200, {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: [],
    Comment: image.comment,
    Created: image.createdAt,
    Author: '',
    Config: {
      User: config.user,
      Env: config.env,
      Entrypoint: config.entrypoint.length === 0 ? null : config.entrypoint,
      Cmd: config.command.length === 0 ? null : config.command,
      WorkingDir: config.workingDirectory,
      Labels: config.labels,
      ...(config.stopSignal === '' ? {} : { StopSignal: config.stopSignal }),
      ExposedPorts: Object.fromEntries(config.exposedPorts.map((port) => [port, {}])),
      Volumes: Object.fromEntries(config.volumes.map((path) => [path, {}])),
    },
    Architecture: image.architecture,
    Os: image.os,
    Size: image.sizeBytes,
    GraphDriver: { Data: {}, Name: parts.snapshots.driver },
    RootFS: { Type: 'layers', Layers: image.layers },
    Metadata: { LastTagTime: image.createdAt },
  });
}

async function remove(parts: EngineParts, { params, query, response }: RequestContext): Promise<void> {
  const { untagged, deleted } = await parts.images.remove(params['name']!, boolean(query, 'force'), (imageId) => {
    const user = containerOfImage(parts, imageId);
    return user && { containerId: user.id, isRunning: parts.live.has(user.id) };
  });
  sendJson(response, 200, [...untagged.map((Untagged) => ({ Untagged })), ...deleted.map((Deleted) => ({ Deleted }))]);
}
