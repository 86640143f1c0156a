/** Lists containers as `ps` shows them: newest first, filtered as Docker filters. */
import { compareTimes } from '#base';
import type { ContainerRecord } from './container-record.ts';
import { errors } from './errors.ts';
import { networksJson, portListOf } from './inspect-network.ts';
import { isLive, type Status } from './lifecycle.ts';
import { mountPointsOf } from './mounts/mount-point.ts';
import { type EngineParts, findContainer } from './parts.ts';

export interface ListQuery {
  readonly all: boolean;
  /** The newest so many, whatever their state; 0 for no limit. */
  readonly limit: number;
  readonly filters: ReadonlyMap<string, readonly string[]>;
}

export const listFilters = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'is-task',
  'isolation',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
] as const;

const statuses: readonly Status[] = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead'];

export function listContainers(parts: EngineParts, query: ListQuery): ContainerRecord[] {
  const { filters } = query;
  checkFilters(filters);
  const showAll =
    query.all || query.limit > 0 || ['status', 'exited', 'before', 'since'].some((key) => filters.has(key));
  const matching = parts.containers
    .list()
    .reverse()
    .filter((record) => showAll || isLive(record.status))
    .filter((record) => matches(parts, record, filters));
  return query.limit > 0 ? matching.slice(0, query.limit) : matching;
}

function checkFilters(filters: ListQuery['filters']): void {
  for (const key of ['publish', 'expose']) for (const value of filters.get(key) ?? []) portRange(key, value);
  const tasks = filters.get('is-task') ?? [];
  if (tasks.some((value) => !['0', '1', 'false', 'true'].includes(value)) || tasks.length > 1) {
    throw errors.invalid(`invalid filter 'is-task=[${tasks.join(' ')}]'`);
  }
  for (const status of filters.get('status') ?? []) {
    if (!statuses.some((known) => known === status)) {
      throw errors.invalid(`invalid filter 'status=${status}'`);
    }
  }
  for (const health of filters.get('health') ?? []) {
    if (!['none', 'starting', 'healthy', 'unhealthy'].includes(health)) {
      throw errors.invalid(`Unrecognised filter value for health: ${health}`);
    }
  }
  for (const code of filters.get('exited') ?? []) {
    if (!/^-?\d+$/.test(code)) throw errors.invalid(`invalid filter 'exited=${code}'`);
  }
}

/** Any value of a key is enough, labels all have to match, and every key has to match. */
function matches(parts: EngineParts, record: ContainerRecord, filters: ListQuery['filters']): boolean {
  const any = (key: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(key);
    return values === undefined || values.some(test);
  };
  const labels = record.program.labels;
  return (
    any('id', (value) => record.id.startsWith(value)) &&
    any('name', (value) => pattern(value).test(record.name) || pattern(value).test(`/${record.name}`)) &&
    any('status', (value) => record.status === value) &&
    any('health', (value) => (record.health?.status ?? 'none') === value) &&
    any('exited', (value) => record.status === 'exited' && record.exit?.code === Number(value)) &&
    // compat: tasks are a swarm's, isolation is another system's.
    any('is-task', (value) => value === '0' || value === 'false') &&
    hasPort(record, filters) &&
    any('ancestor', (value) => isAncestor(record, value)) &&
    any('network', (value) => isOnNetwork(parts, record, value)) &&
    any('volume', (value) => hasMount(record, value)) &&
    any('before', (value) => compareTimes(record.createdAt, findContainer(parts, value).createdAt) < 0) &&
    any('since', (value) => compareTimes(record.createdAt, findContainer(parts, value).createdAt) > 0) &&
    (filters.get('label') ?? []).every((value) => hasLabel(labels, value))
  );
}

/** By name, or by id. */
function isOnNetwork(parts: EngineParts, record: ContainerRecord, value: string): boolean {
  return Object.entries(networksJson(parts, record)).some(
    ([name, endpoint]) => name === value || ('NetworkID' in endpoint && endpoint.NetworkID === value),
  );
}

/** A volume's name, a folder of the host, or where something is mounted. */
function hasMount(record: ContainerRecord, value: string): boolean {
  return mountPointsOf(record).some(({ setting, name }) => {
    const source = setting.type === 'bind' ? setting.source : name;
    return setting.destination === value || (value !== '' && source === value);
  });
}

/** `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wish: string): boolean {
  const at = wish.indexOf('=');
  return at < 0 ? wish in labels : labels[wish.slice(0, at)] === wish.slice(at + 1);
}

/** compat: one port is enough, published or exposed, whichever of the two is asked for. Only those of one that runs are seen. */
function hasPort(record: ContainerRecord, filters: ListQuery['filters']): boolean {
  const [published, exposed] = ['publish', 'expose'].map((key) =>
    (filters.get(key) ?? []).map((value) => portRange(key, value)),
  );
  if (published!.length + exposed!.length === 0) return true;
  return portListOf(record).some(({ PrivatePort, PublicPort = 0, Type }) => {
    const isIn = (port: number) => (range: PortRange) =>
      range.protocol === Type && range.first <= port && port <= range.last;
    return published!.some(isIn(PublicPort)) || exposed!.some(isIn(PrivatePort));
  });
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

/** `80`, `80/udp`, `8000-8100/tcp`. Throws `container.invalid`. */
function portRange(key: string, value: string): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || last < first || last > 65_535) throw errors.invalid(`invalid filter '${key}=${value}'`);
  return { first, last, protocol: match[3] ?? 'tcp' };
}

function isAncestor(record: ContainerRecord, value: string): boolean {
  if (value === '') return false;
  const named =
    record.settings.image === value ||
    record.settings.image === `${value}:latest` ||
    `${record.settings.image}:latest` === value;
  return named || record.imageId === value || record.imageId.slice('sha256:'.length).startsWith(value);
}

/** compat: names are matched as regular expressions. */
function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw errors.invalid(`invalid filter 'name=${text}'`);
  }
}
