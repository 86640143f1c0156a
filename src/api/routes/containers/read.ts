/** Routes that only look: list, inspect, logs, top. */
import { nowNs } from '#base';
import {
  type ContainerRecord,
  containerSizes,
  type EngineParts,
  findContainer,
  listContainers,
  listFilters,
  logPathOf,
  planOfContainer,
  renderLog,
  topContainer,
  isLogReadable,
  type LogLine,
} from '#engine';
import type { RequestContext, Route } from '#rpc';
import { inspectJson, summaryJson } from '../../container-json.ts';
import { errors } from '../../errors.ts';
import { drained } from '../../gone.ts';
import { sendJson } from '../../http-status.ts';
import { outputType } from '../../output-type.ts';
import { boolean, filters, integer, timestamp } from '../../query.ts';
import { minorVersion } from '../../version.ts';

export function readRoutes(parts: EngineParts): Route[] {
  return [
    {
      method: 'GET',
      path: '/containers/json',
      handle: async ({ query, url, response }) => {
        const records = listContainers(parts, {
          all: boolean(query, 'all'),
          limit: Math.max(0, integer(query, 'limit') ?? 0),
          filters: filters(query, listFilters),
        });
        const now = nowNs();
        const rows: object[] = [];
        for (const record of records) {
          const sizes = boolean(query, 'size') ? withoutZeros(await sizesJson(parts, record)) : {};
          rows.push({ ...summaryJson(parts, record, now, minorVersion(url)), ...sizes });
        }
        sendJson(response, 200, rows);
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/json',
      handle: async ({ params, query, url, response }) => {
        const record = findContainer(parts, params['id']!);
        const sizes = boolean(query, 'size') ? await sizesJson(parts, record) : {};
        sendJson(response, 200, { ...inspectJson(parts, record, minorVersion(url)), ...sizes });
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/top',
      handle: async ({ params, query, response }) => {
        const top = await topContainer(parts, params['id']!, query.get('ps_args') || '-ef');
        sendJson(response, 200, { Titles: top.titles, Processes: top.processes });
      },
    },
    {
      // Not Docker's: what `skiff debug plan` shows.
      method: 'GET',
      path: '/containers/{id}/skiff/plan',
      handle: async ({ params, response }) => {
        const text = Buffer.from(await planOfContainer(parts, params['id']!));
        response
          .writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': text.length })
          .end(text);
      },
    },
    { method: 'GET', path: '/containers/{id}/logs', handle: (context) => logs(parts, context) },
  ];
}

/** compat: in lists a size of nothing is left out. */
export function withoutZeros(sizes: object): object {
  return Object.fromEntries(Object.entries(sizes).filter(([, bytes]) => bytes !== 0));
}

/** compat: of what it has written, and of all it sees. */
export async function sizesJson(parts: EngineParts, record: ContainerRecord): Promise<object> {
  const { writtenBytes, wholeBytes } = await containerSizes(parts, record);
  return { SizeRw: writtenBytes, SizeRootFs: wholeBytes };
}

async function logs(parts: EngineParts, { params, query, url, response, signal }: RequestContext): Promise<void> {
  const record = findContainer(parts, params['id']!);
  const stdout = boolean(query, 'stdout');
  const stderr = boolean(query, 'stderr');
  if (!stdout && !stderr) throw errors.invalid('Bad parameters: you must choose at least one stream');
  const { log } = record.settings.host;
  if (!isLogReadable(log)) throw errors.noLogReading();
  const live = parts.live.get(record.id);
  const source = {
    path: logPathOf(parts.options, record.id),
    maxFiles: log.maxFiles,
    ended: live?.recorded ?? Promise.resolve(),
    signal,
  };
  const since = timestamp(query, 'since');
  const until = timestamp(query, 'until');
  const tail = tailOf(query.get('tail'));
  const timestamps = boolean(query, 'timestamps');
  const wantsDetails = boolean(query, 'details');
  const raw = record.settings.tty;
  response.writeHead(200, { 'Content-Type': outputType(raw, url) });
  response.flushHeaders();
  const wish = {
    stdout,
    stderr,
    ...(since === undefined ? {} : { sinceNs: since }),
    ...(until === undefined ? {} : { untilNs: until }),
  };
  const follow = boolean(query, 'follow') && live !== undefined;
  const rendering = { ...wish, raw, timestamps, ...(wantsDetails ? { details: detailsOf } : {}) };
  for await (const piece of renderLog(
    source,
    { ...wish, follow, ...(tail === undefined ? {} : { tail }) },
    rendering,
  )) {
    if (signal.aborted) return;
    if (!response.write(piece)) await drained(response, signal);
  }
  response.end();
}

/** compat: the labels and variables the log was asked to keep, in order, as in a query. */
function detailsOf({ attributes = {} }: LogLine): string {
  return Object.entries(attributes)
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .sort()
    .join(',');
}

/** compat: `all`, or anything that is no number, is everything; a negative number too. */
function tailOf(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}
