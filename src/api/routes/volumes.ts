/** Routes of volumes: list, inspect, create, remove, prune. */
import { nowNs } from '#base';
import {
  copyVolume,
  createVolume,
  type EngineParts,
  findVolumes,
  hasLabel,
  pruneVolumes,
  removeVolume,
  renameVolume,
  SNAPSHOT_LABEL,
  snapshotName,
} from '#engine';
import { type RequestContext, type Route, readJson } from '#rpc';
import type { VolumeCopyBody, VolumeCreateBody, VolumeListAnswer, VolumePruneAnswer, VolumeRenameBody } from '#specs';
import type { VolumeRecord } from '#volumes';
import { checkedBody } from '../body-shape.ts';
import { volumeBody, volumeCopyBody, volumeRenameBody } from '../body-shapes.ts';
import { errors } from '../errors.ts';
import { sendJson, sendNothing } from '../http-status.ts';
import { boolean, type Filters, filters } from '../query.ts';
import { minorVersion } from '../version.ts';
import { volumeJson } from '../volume-json.ts';

const listFilters = ['dangling', 'driver', 'label', 'label!', 'name'] as const;

export function volumeRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'GET', path: '/volumes', handle: (context) => list(parts, context) },
    {
      method: 'GET',
      path: '/volumes/{name}',
      handle: async ({ params, response }) => {
        sendJson(response, 200, volumeJson(parts, parts.volumes.find(params['name']!)));
      },
    },
    { method: 'POST', path: '/volumes/create', handle: (context) => create(parts, context) },
    { method: 'POST', path: '/volumes/prune', handle: (context) => prune(parts, context) },
    {
      method: 'DELETE',
      path: '/volumes/{name}',
      handle: async ({ params, query, response }) => {
        await removeVolume(parts, params['name']!, { force: boolean(query, 'force') });
        sendNothing(response, 204);
      },
    },
    // Not Docker's.
    { method: 'POST', path: '/skiff/volumes/{name}/clone', handle: (context) => clone(parts, context) },
    { method: 'POST', path: '/skiff/volumes/{name}/snapshot', handle: (context) => snapshot(parts, context) },
    { method: 'POST', path: '/skiff/volumes/{name}/rename', handle: (context) => rename(parts, context) },
  ];
}

async function list(parts: EngineParts, { query, response }: RequestContext): Promise<void> {
  const wanted = filters(query, listFilters);
  const dangling = truth(wanted, 'dangling');
  const found = findVolumes(parts, (record, isUsed) => {
    return matches(record, wanted) && (dangling === undefined || dangling !== isUsed);
  });
  const answer: VolumeListAnswer = { Volumes: found.map((record) => volumeJson(parts, record)), Warnings: null };
  sendJson(response, 200, answer);
}

/** compat: any value of a key is enough, labels all have to match, and every key has to match. */
function matches({ name, driver, labels }: VolumeRecord, wanted: Filters): boolean {
  const any = (key: string, test: (value: string) => boolean): boolean => wanted.get(key)?.some(test) ?? true;
  return (
    any('driver', (value) => driver === value) &&
    any('name', (value) => fits(value, name)) &&
    fitsLabels(labels, wanted)
  );
}

function fitsLabels(labels: VolumeRecord['labels'], wanted: Filters): boolean {
  const has = (value: string): boolean => hasLabel(labels ?? {}, value);
  return (wanted.get('label') ?? []).every(has) && !(wanted.get('label!') ?? []).some(has);
}

/** compat: a regular expression, and what is none matches nothing. */
function fits(expression: string, name: string): boolean {
  try {
    return new RegExp(expression).test(name);
  } catch {
    return false;
  }
}

/** Of one answer; undefined when it is not asked. */
function truth(wanted: Filters, key: string): boolean | undefined {
  const values = wanted.get(key);
  if (values === undefined) return undefined;
  const isTrue = values.some((value) => value === '1' || value === 'true');
  const isFalse = values.some((value) => value === '0' || value === 'false');
  if (isTrue === isFalse) throw errors.invalid(`invalid filter '${key}=[${values.join(' ')}]'`);
  return isTrue;
}

async function create(parts: EngineParts, { request, response }: RequestContext): Promise<void> {
  const body = checkedBody<VolumeCreateBody>(await readJson(request), volumeBody);
  if (body.ClusterVolumeSpec) throw errors.unsupported('a cluster volume', 'it needs a swarm');
  const record = await createVolume(parts, {
    name: body.Name ?? '',
    driver: body.Driver ?? '',
    options: body.DriverOpts ?? null,
    labels: body.Labels ?? null,
  });
  sendJson(response, 201, volumeJson(parts, record));
}

/** compat: until 1.41 those with a name went too. */
async function prune(parts: EngineParts, { query, url, response, signal }: RequestContext): Promise<void> {
  const isOld = minorVersion(url) < 42;
  const wanted = filters(query, ['label', 'label!', ...(isOld ? [] : ['all'])]);
  const all = isOld || (truth(wanted, 'all') ?? false);
  const pruned = await pruneVolumes(parts, { all, matches: ({ labels }) => fitsLabels(labels, wanted) }, signal);
  const answer: VolumePruneAnswer = { VolumesDeleted: pruned.names, SpaceReclaimed: pruned.freedBytes };
  sendJson(response, 200, answer);
}

async function clone(parts: EngineParts, { params, request, response }: RequestContext): Promise<void> {
  const body = checkedBody<VolumeCopyBody>(await readJson(request), volumeCopyBody);
  const copy = { name: body.Name ?? '', labels: body.Labels ?? {}, pause: body.Pause ?? true };
  const record = await copyVolume(parts, params['name']!, copy);
  sendJson(response, 201, volumeJson(parts, record));
}

/** A clone that says of which volume it is, and when it was made where it has no other name. */
async function snapshot(parts: EngineParts, { params, request, response }: RequestContext): Promise<void> {
  const body = checkedBody<VolumeCopyBody>(await readJson(request), volumeCopyBody);
  const from = params['name']!;
  const name = body.Name || snapshotName(from, nowNs());
  const labels = { ...body.Labels, [SNAPSHOT_LABEL]: from };
  const record = await copyVolume(parts, from, { name, labels, pause: body.Pause ?? true });
  sendJson(response, 201, volumeJson(parts, record));
}

async function rename(parts: EngineParts, { params, request, response }: RequestContext): Promise<void> {
  const body = checkedBody<VolumeRenameBody>(await readJson(request), volumeRenameBody);
  const record = await renameVolume(parts, params['name']!, body.Name ?? '');
  sendJson(response, 200, volumeJson(parts, record));
}
