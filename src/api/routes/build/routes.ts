/** Building images, and what is kept of it. */
import { type Builder, cacheFilter, type CacheQuestion, type CacheUsage } from '#build';
import { nowNs, parseDateNs, parseDurationMs, parseTimeNs } from '#base';
import type { EngineParts } from '#engine';
import type { RequestContext, Route } from '#rpc';
import { errors } from '../../errors.ts';
import { sendJson, sendNothing } from '../../http-status.ts';
import { boolean, type Filters, filters, integer } from '../../query.ts';
import { buildImage } from './build.ts';
import type { BuildKitDoor } from './buildkit.ts';
import { BuildsUnderWay } from './builds-under-way.ts';
import { debugRoutes } from './debug.ts';

export function buildRoutes(parts: EngineParts, builder: Builder, buildKit: BuildKitDoor): Route[] {
  const underWay = new BuildsUnderWay();
  return [
    ...debugRoutes(builder),
    {
      method: 'POST',
      path: '/build',
      handle: (context) => buildImage({ parts, builder, buildKit, underWay }, context),
    },
    { method: 'POST', path: '/build/prune', handle: (context) => prune(builder, context) },
    {
      method: 'POST',
      path: '/build/cancel',
      handle: async ({ query, response }) => {
        const id = query.get('id') ?? '';
        if (id === '') throw errors.noBuildId();
        underWay.cancel(id);
        sendNothing(response, 200);
      },
    },
  ];
}

const holding: ReadonlySet<string> = new Set(['inuse', 'shared', 'private']);
/** What `system prune` is told of labels goes to this, too. */
const labels = ['label', 'label!'];
const knownFilters = [
  ...['until', 'unused-for', 'id', 'parent', 'type', 'description', 'inuse', 'shared', 'private'],
  ...labels,
];

async function prune(builder: Builder, { query, response }: RequestContext): Promise<void> {
  const given = filters(query, knownFilters);
  const reserved = integer(query, 'reserved-space') ?? integer(query, 'keep-storage');
  const most = integer(query, 'max-used-space');
  const free = integer(query, 'min-free-space');
  const matches = pruneFilter(given);
  const { ids, freedBytes } = await builder.prune({
    all: boolean(query, 'all'),
    matches,
    ...(reserved ? { reservedBytes: reserved } : {}),
    ...(most ? { mostBytes: most } : {}),
    ...(free ? { freeBytes: free } : {}),
  });
  sendJson(response, 200, { CachesDeleted: ids.length === 0 ? null : ids, SpaceReclaimed: freedBytes });
}

/** Throws `api.invalid` for a time that is none. */
function pruneFilter(given: Filters): (usage: CacheUsage) => boolean {
  const [until = given.get('unused-for')?.[0]] = given.get('until') ?? [];
  const before = until === undefined ? undefined : timeOf(until);
  const questions = [...given].flatMap(([name, values]): CacheQuestion[] => {
    if (name === 'until' || name === 'unused-for' || labels.includes(name)) return [];
    // compat: by name alone they are asked whatever their value is.
    const relation = holding.has(name) ? 'holds' : name === 'id' ? 'begins' : 'is';
    return values.map((value) => ({ name, relation, value }));
  });
  const matches = cacheFilter(questions);
  // No entry has labels: none has the one that is asked for, and each is without the one that is not wanted.
  if (given.has('label')) return () => false;
  return (usage) =>
    (before === undefined || (parseTimeNs(usage.lastUsedAt) ?? 0n) < before) && (matches?.(usage) ?? false);
}

function timeOf(text: string): bigint {
  if (/^\d+$/.test(text)) return BigInt(text) * 1_000_000_000n;
  const time = parseDateNs(text);
  if (time !== undefined) return time;
  try {
    return nowNs() - BigInt(Math.round(parseDurationMs(text) * 1e6));
  } catch {
    const wanted = `"until" filter expects a duration (e.g., '24h') or a time`;
    throw errors.invalid(`failed to prune build cache: ${wanted}: ${JSON.stringify(text)} is neither`);
  }
}
