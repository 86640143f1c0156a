/** Routes of networks: list, inspect, create, remove, prune, connect, disconnect. */
import {
  connectContainer,
  createNetwork,
  disconnectContainer,
  type EngineParts,
  hasLabel,
  pruneNetworks,
  removeNetwork,
} from '#engine';
import type { NetworkRecord, NetworkRequest } from '#network';
import { type RequestContext, type Route, readJson } from '#rpc';
import type { NetworkConnectBody, NetworkCreateBody, NetworkDisconnectBody } from '#specs';
import { checkedBody } from '../body-shape.ts';
import { connectBody, disconnectBody, networkBody } from '../body-shapes.ts';
import { parseEndpoint } from '../create-networking.ts';
import { errors } from '../errors.ts';
import { sendJson, sendNothing } from '../http-status.ts';
import { networkJson, statusJson } from '../network-json.ts';
import { minorVersion } from '../version.ts';
import { boolean, type Filters, filters } from '../query.ts';
import { untilTime } from '../until.ts';

const listFilters = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'] as const;

export function networkRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'GET', path: '/networks', handle: (context) => list(parts, context) },
    // compat: this one has two names.
    { method: 'GET', path: '/networks/', handle: (context) => list(parts, context) },
    { method: 'GET', path: '/networks/{id}', handle: (context) => inspect(parts, context) },
    { method: 'POST', path: '/networks/create', handle: (context) => create(parts, context) },
    { method: 'POST', path: '/networks/prune', handle: (context) => prune(parts, context) },
    { method: 'POST', path: '/networks/{id}/connect', handle: (context) => connect(parts, context) },
    { method: 'POST', path: '/networks/{id}/disconnect', handle: (context) => disconnect(parts, context) },
    {
      method: 'DELETE',
      path: '/networks/{id}',
      handle: async ({ params, response }) => {
        await removeNetwork(parts, params['id']!);
        sendNothing(response, 204);
      },
    },
  ];
}

async function list(parts: EngineParts, { url, query, response }: RequestContext): Promise<void> {
  const wanted = filters(query, listFilters);
  for (const scope of wanted.get('scope') ?? []) {
    if (!['local', 'swarm', 'global'].includes(scope)) throw errors.invalid(`invalid filter 'scope=${scope}'`);
  }
  const found = parts.networks.list().filter((record) => matches(parts, record, wanted));
  sendJson(
    response,
    200,
    found.map((record) => {
      const { Containers, ...summary } = networkJson(record, new Map(), () => '', minorVersion(url));
      // compat: until 1.51 a list had the field, with nothing in it.
      return minorVersion(url) < 52 ? { ...summary, Containers } : summary;
    }),
  );
}

/** compat: any value of a key is enough, labels all have to match, and every key has to match. */
function matches(parts: EngineParts, record: NetworkRecord, wanted: Filters): boolean {
  const any = (key: string, test: (value: string) => boolean): boolean => wanted.get(key)?.some(test) ?? true;
  const dangling = !record.predefined && parts.networks.endpointsOf(record.id).size === 0;
  return (
    any('driver', (value) => record.driver === value) &&
    any('id', (value) => pattern('id', value).test(record.id)) &&
    any('name', (value) => pattern('name', value).test(record.name)) &&
    any('scope', (value) => value === 'local') &&
    any('type', (value) => typeOf(value) === record.predefined) &&
    any('dangling', (value) => truth(value) === dangling) &&
    (wanted.get('label') ?? []).every((value) => hasLabel(record.labels, value))
  );
}

/** compat: ids and names are matched as regular expressions. */
function pattern(key: string, text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw errors.invalid(`invalid filter '${key}=${text}'`);
  }
}

/** Whether predefined networks are meant. */
function typeOf(value: string): boolean {
  if (value !== 'builtin' && value !== 'custom') throw errors.invalid(`invalid filter 'type=${value}'`);
  return value === 'builtin';
}

function truth(value: string): boolean {
  if (['1', 'true'].includes(value)) return true;
  if (['0', 'false'].includes(value)) return false;
  throw errors.invalid(`invalid filter 'dangling=${value}'`);
}

async function inspect(parts: EngineParts, { params, query, url, response }: RequestContext): Promise<void> {
  // Details are of a swarm's services: there are none.
  boolean(query, 'verbose');
  const record = parts.networks.find(params['id']!);
  const scope = query.get('scope') ?? '';
  if (scope !== '' && scope !== 'local') throw errors.noNetworkInScope(params['id']!);
  const nameOf = (id: string): string => parts.containers.get(id)?.name ?? '';
  const minor = minorVersion(url);
  sendJson(response, 200, {
    ...networkJson(record, parts.networks.endpointsOf(record.id), nameOf, minor),
    // compat: since 1.52.
    ...(minor < 52 || record.pools.length === 0 ? {} : { Status: statusJson(parts.networks.usageOf(record.id)) }),
  });
}

async function create(parts: EngineParts, { request, response }: RequestContext): Promise<void> {
  const body = checkedBody<NetworkCreateBody>(await readJson(request), networkBody);
  const record = await createNetwork(parts, parseNetwork(body));
  sendJson(response, 201, { Id: record.id, Warning: '' });
}

function parseNetwork(body: NetworkCreateBody): NetworkRequest {
  if (body.Ingress) throw errors.unsupported('an ingress network', 'it needs a swarm');
  if (body.Scope && body.Scope !== 'local') throw errors.unsupported(`the scope ${body.Scope}`, 'it needs a swarm');
  const ipam = body.IPAM ?? {};
  return {
    name: body.Name ?? '',
    driver: body.Driver ?? '',
    internal: body.Internal ?? false,
    attachable: body.Attachable ?? false,
    configOnly: body.ConfigOnly ?? false,
    configFrom: body.ConfigFrom?.Network ?? '',
    ipv4: body.EnableIPv4 ?? true,
    ipv6: body.EnableIPv6 ?? false,
    ipamDriver: ipam.Driver ?? '',
    ipamOptions: ipam.Options ?? {},
    pools: (ipam.Config ?? []).map(({ Subnet = '', IPRange = '', Gateway = '', AuxiliaryAddresses }) => ({
      subnet: Subnet,
      range: IPRange,
      gateway: Gateway,
      auxiliary: AuxiliaryAddresses ?? {},
    })),
    options: body.Options ?? {},
    labels: body.Labels ?? {},
  };
}

async function prune(parts: EngineParts, { query, response }: RequestContext): Promise<void> {
  const wanted = filters(query, ['label', 'label!', 'until']);
  const before = untilTime(wanted);
  const names = await pruneNetworks(parts, ({ labels, createdAt }) => {
    const hasAll = (wanted.get('label') ?? []).every((value) => hasLabel(labels, value));
    const hasNone = !(wanted.get('label!') ?? []).some((value) => hasLabel(labels, value));
    const isOld = before === undefined || BigInt(Date.parse(createdAt)) * 1_000_000n < before;
    return hasAll && hasNone && isOld;
  });
  sendJson(response, 200, { NetworksDeleted: names.length > 0 ? names : null });
}

async function connect(parts: EngineParts, { params, request, response }: RequestContext): Promise<void> {
  const body = checkedBody<NetworkConnectBody>(await readJson(request), connectBody);
  if (!body.Container) throw errors.invalid('the body of connect has to name a container');
  await connectContainer(parts, params['id']!, body.Container, parseEndpoint(body.EndpointConfig ?? {}));
  sendNothing(response, 200);
}

async function disconnect(parts: EngineParts, { params, request, response }: RequestContext): Promise<void> {
  const body = checkedBody<NetworkDisconnectBody>(await readJson(request), disconnectBody);
  if (!body.Container) throw errors.invalid('the body of disconnect has to name a container');
  await disconnectContainer(parts, params['id']!, body.Container);
  sendNothing(response, 200);
}
