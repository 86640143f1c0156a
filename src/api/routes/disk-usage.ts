/** What takes space on the disk, and whether it is as it should be. */
import type { Builder } from '#build';
import type { EngineParts } from '#engine';
import type { RequestContext, Route } from '#rpc';
import { diskUsage, type UsageType, usageTypes } from '../disk-usage.ts';
import { errors } from '../errors.ts';
import { sendJson } from '../http-status.ts';
import { boolean } from '../query.ts';
import { minorVersion } from '../version.ts';
import { imageUse } from './images/change.ts';

export function diskUsageRoutes(parts: EngineParts, builder: Builder): Route[] {
  return [
    { method: 'GET', path: '/system/df', handle: (context) => usage(parts, builder, context) },
    {
      // Not Docker's: blobs as registries have them, and downloads that will go on.
      method: 'GET',
      path: '/skiff/content',
      handle: async ({ response }) => {
        const { contentBytes, partialBytes } = parts.images.usage();
        sendJson(response, 200, { ContentSize: contentBytes, PartialSize: partialBytes });
      },
    },
    {
      // Not Docker's: `skiff system fsck`.
      method: 'POST',
      path: '/skiff/fsck',
      handle: async ({ query, response, signal }) => {
        const faults = await parts.images.check({
          repair: boolean(query, 'repair'),
          deep: boolean(query, 'deep'),
          inUse: imageUse(parts),
          signal,
        });
        sendJson(response, 200, { Faults: faults });
      },
    },
  ];
}

/** compat: one type or several came with 1.42, everything in full with 1.52. */
async function usage(parts: EngineParts, builder: Builder, { query, url, response }: RequestContext): Promise<void> {
  const minor = minorVersion(url);
  const names = minor < 42 ? [] : query.getAll('type');
  const types = new Set<UsageType>();
  for (const name of names) {
    const type = usageTypes.find((known) => known === name);
    if (type === undefined) throw errors.invalid(`unknown object type: ${name}`);
    types.add(type);
  }
  const answer = await diskUsage(parts, builder, {
    types: types.size === 0 ? new Set(usageTypes) : types,
    verbose: minor >= 52 && boolean(query, 'verbose'),
    minorVersion: minor,
  });
  sendJson(response, 200, answer);
}
