/** What happened and what happens: the stream of events. */
import { nowNs, waitMs } from '#base';
import { type EngineEvent, type EngineParts, hasLabel } from '#engine';
import { header, type RequestContext, type Route } from '#rpc';
import { formatJson64 } from '#specs';
import { errors } from '../errors.ts';
import { type Filters, filters, timestamp } from '../query.ts';
import { minorVersion } from '../version.ts';

export function eventRoutes(parts: EngineParts): Route[] {
  return [{ method: 'GET', path: '/events', handle: (context) => events(parts, context) }];
}

/** compat: those of objects that are not there yet match nothing. */
const objects = ['config', 'container', 'daemon', 'network', 'node', 'plugin', 'secret', 'service', 'volume'] as const;
const eventFilters = [...objects, 'event', 'image', 'label', 'scope', 'type'];

/** A client that has not read so much does not read: it is let go of, rather than told with gaps. */
const MOST_UNREAD_BYTES = 8 * 1024 * 1024;

/** History since a time, then what happens, until a time or until the client goes. */
async function events(parts: EngineParts, { request, query, url, response, signal }: RequestContext): Promise<void> {
  const wanted = filters(query, eventFilters);
  // compat: 0 is the beginning of time here, and not the same as nothing.
  const timeOf = (name: string): bigint | undefined => (query.get(name) === '0' ? 0n : timestamp(query, name));
  const [since, until] = [timeOf('since'), timeOf('until')];
  if (since !== undefined && until !== undefined && since > until) {
    throw errors.invalid(
      `\`since\` time (${query.get('since')}) cannot be after \`until\` time (${query.get('until')})`,
    );
  }
  const minor = minorVersion(url);
  const type = streamType(minor < 52 ? '' : (header(request, 'accept') ?? ''));
  const separator = type === 'application/json-seq' ? '\x1e' : '';
  response.writeHead(200, { 'Content-Type': type });
  response.flushHeaders();
  const send = (event: EngineEvent): void => {
    // compat: until the beginning of time means all there was, and nothing to come.
    if (until !== undefined && until !== 0n && event.timeNs > until) return;
    if (!matchesEvent(event, wanted)) return;
    response.write(`${separator}${formatJson64(toJson(event, minor))}\n`);
    if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
  };
  for (const event of parts.events.history()) if (since !== undefined && event.timeNs >= since) send(event);
  using _listening = parts.events.listen(send);
  const leftMs = until === undefined ? undefined : Number((until - nowNs()) / 1_000_000n);
  if (leftMs === undefined || leftMs > 0) await waitMs(leftMs ?? Infinity, signal);
  response.end();
}

/** compat: lines of JSON under one of three names; the client's first choice we have, and the oldest name else. */
export function streamType(accept: string): string {
  const names = accept.split(',').map((each) => each.split(';', 1)[0]!.trim());
  return names.find((name) => streamTypes.has(name)) ?? 'application/json';
}

/** spec: RFC 7464 sets a record separator before each text. */
const streamTypes = new Set(['application/json-seq', 'application/x-ndjson', 'application/jsonl']);

/** compat: any value of a key is enough, labels all have to match, and every key has to match. */
export function matchesEvent(event: EngineEvent, wanted: Filters): boolean {
  const any = (key: string, test: (value: string) => boolean): boolean => wanted.get(key)?.some(test) ?? true;
  const isNamed = (value: string): boolean => event.id.startsWith(value) || event.attributes['name'] === value;
  return (
    any('type', (value) => event.type === value) &&
    any('scope', (value) => value === 'local') &&
    any('event', (value) => event.action === value || event.action.startsWith(`${value}:`)) &&
    objects.every((type) => any(type, (value) => event.type === type && isNamed(value))) &&
    any('image', (value) => isOfImage(event, value)) &&
    (wanted.get('label') ?? []).every((value) => hasLabel(event.attributes, value))
  );
}

/** compat: an image by id or name, with its tag or without; and the containers made of it. */
function isOfImage({ type, id, attributes }: EngineEvent, wanted: string): boolean {
  const name = (type === 'image' ? attributes['name'] : attributes['image']) ?? '';
  const isId = type === 'image' && (id === wanted || id.replace('sha256:', '').startsWith(wanted));
  return isId || name === wanted || name.replace(/:[^/:]*$/, '') === wanted;
}

/** compat: fields of the first versions, of containers and images, were told until 1.51. */
function toJson(event: EngineEvent, minor: number): object {
  const { image } = event.attributes;
  const isOld = minor < 52 && (event.type === 'container' || event.type === 'image');
  return {
    ...(isOld ? { status: event.action, id: event.id, ...(image === undefined ? {} : { from: image }) } : {}),
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.id, Attributes: event.attributes },
    scope: 'local',
    time: Number(event.timeNs / 1_000_000_000n),
    timeNano: event.timeNs,
  };
}
