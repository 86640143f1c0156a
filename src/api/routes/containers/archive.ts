/** Routes that copy files out of a container and into it. */
import { pipeline } from 'node:stream/promises';
import { formatTimeNs } from '#base';
import { copyFromContainer, copyIntoContainer, type EngineParts, type PathFacts, statInContainer } from '#engine';
import type { RequestContext, Route } from '#rpc';
import { errors } from '../../errors.ts';
import { sendNothing } from '../../http-status.ts';
import { boolean } from '../../query.ts';

const STAT_HEADER = 'X-Docker-Container-Path-Stat';

export function archiveRoutes(parts: EngineParts): Route[] {
  const path = '/containers/{id}/archive';
  return [
    {
      method: 'HEAD',
      path,
      handle: async ({ params, query, response }) => {
        const facts = await statInContainer(parts, params['id']!, pathOf(query));
        response.setHeader(STAT_HEADER, encodeFacts(facts));
        sendNothing(response, 200);
      },
    },
    { method: 'GET', path, handle: (context) => copyOut(parts, context) },
    {
      method: 'PUT',
      path,
      handle: async ({ params, query, request, response, signal }) => {
        await copyIntoContainer(parts, params['id']!, {
          path: pathOf(query),
          source: request,
          sameKind: boolean(query, 'noOverwriteDirNonDir'),
          ownedByUser: boolean(query, 'copyUIDGID'),
          signal,
        });
        sendNothing(response, 200);
      },
    },
  ];
}

async function copyOut(parts: EngineParts, { params, query, response, signal }: RequestContext): Promise<void> {
  await using copy = await copyFromContainer(parts, params['id']!, pathOf(query));
  const { facts, tar } = copy;
  response.writeHead(200, { 'Content-Type': 'application/x-tar', [STAT_HEADER]: encodeFacts(facts) });
  try {
    await pipeline(tar, response);
  } catch (error) {
    if (!signal.aborted) parts.log.error('a copy broke off', { container: params['id']!, error: String(error) });
    response.destroy();
  }
}

function pathOf(query: URLSearchParams): string {
  const path = query.get('path') ?? '';
  if (path === '') throw errors.invalid('bad parameter: path cannot be empty');
  return path;
}

function encodeFacts({ name, sizeBytes, mode, mtimeNs, linkTarget }: PathFacts): string {
  const facts = { name, size: sizeBytes, mode: goMode(mode), mtime: formatTimeNs(mtimeNs), linkTarget };
  return Buffer.from(JSON.stringify(facts)).toString('base64');
}

/** By the kernel's type bits. */
const GO_TYPES: Readonly<Record<number, number>> = {
  0o040000: 2 ** 31,
  0o120000: 2 ** 27,
  0o060000: 2 ** 26,
  0o010000: 2 ** 25,
  0o140000: 2 ** 24,
  0o020000: 2 ** 26 + 2 ** 21,
};

/** Go's fs.FileMode. */
function goMode(mode: number): number {
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return (GO_TYPES[mode & 0o170000] ?? 0) + special + (mode & 0o777);
}
