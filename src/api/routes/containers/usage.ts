/** Routes about what containers use, and the one that removes those nobody uses. */
import { setTimeout as after } from 'node:timers/promises';
import { parseTimeNs } from '#base';
import { type EngineParts, findContainer, hasLabel, pruneContainers, sampleUsage, type UsageSample } from '#engine';
import type { RequestContext, Route } from '#rpc';
import { drained } from '../../gone.ts';
import { sendJson } from '../../http-status.ts';
import { boolean, filters } from '../../query.ts';
import { statsJson } from '../../stats-json.ts';
import { minorVersion } from '../../version.ts';
import { untilTime } from '../../until.ts';

/** compat: how often Docker samples. */
const PERIOD_MS = 1000;

export function usageRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'GET', path: '/containers/{id}/stats', handle: (context) => stats(parts, context) },
    { method: 'POST', path: '/containers/prune', handle: (context) => prune(parts, context) },
  ];
}

async function stats(parts: EngineParts, { params, query, url, response, signal }: RequestContext): Promise<void> {
  const { id } = findContainer(parts, params['id']!);
  const json = (now: UsageSample | undefined, before: UsageSample | undefined): object =>
    statsJson(findContainer(parts, id), now, before, parts.runtime.cgroupVersion, minorVersion(url));
  const pause = (): Promise<void> => after(PERIOD_MS, undefined, { signal });
  let before: UsageSample | undefined;
  let now = sampleUsage(parts, id);
  if (!boolean(query, 'stream', true)) {
    // compat: one answer is about a period, unless a single look is asked for, which may be done since 1.41.
    if (now && !(minorVersion(url) >= 41 && boolean(query, 'one-shot'))) {
      await pause();
      before = now;
      now = sampleUsage(parts, id);
    }
    sendJson(response, 200, json(now, before));
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/json' });
  try {
    while (parts.containers.get(id)) {
      if (!response.write(`${JSON.stringify(json(now, before))}\n`)) await drained(response, signal);
      await pause();
      before = now;
      now = parts.containers.get(id) ? sampleUsage(parts, id) : undefined;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  response.end();
}

async function prune(parts: EngineParts, { query, response, signal }: RequestContext): Promise<void> {
  const wanted = filters(query, ['label', 'label!', 'until']);
  const until = untilTime(wanted);
  const { ids, freedBytes } = await pruneContainers(
    parts,
    ({ createdAt, program: { labels } }) =>
      (until === undefined || (parseTimeNs(createdAt) ?? 0n) < until) &&
      (wanted.get('label') ?? []).every((wish) => hasLabel(labels, wish)) &&
      !(wanted.get('label!') ?? []).some((wish) => hasLabel(labels, wish)),
    signal,
  );
  sendJson(response, 200, { ContainersDeleted: ids.length === 0 ? null : ids, SpaceReclaimed: freedBytes });
}
