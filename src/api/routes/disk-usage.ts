/** What takes space on the disk, and whether it is as it should be. */
import { type EngineParts, summarizeContainer } from '#engine';
import { nowNs } from '#base';
import type { RequestContext, Route } from '#rpc';

import { errors } from '../errors.ts';
import { sendJson } from '../http-status.ts';
import { boolean } from '../query.ts';
import { sizesJson } from './containers/read.ts';
import { minorVersion } from '../version.ts';
import { imageUse } from './images/change.ts';
import { summarizeImage } from './images/list.ts';

export function diskUsageRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'GET', path: '/system/df', handle: (context) => usage(parts, context) },
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

/** compat: sizes of nothing are left out. */
const withoutZeros = (sizes: object): object =>
  Object.fromEntries(Object.entries(sizes).filter(([, bytes]) => bytes !== 0));

const TYPES = ['container', 'image', 'volume', 'build-cache'];

async function usage(parts: EngineParts, { query, url, response }: RequestContext): Promise<void> {
  const types = query.getAll('type');
  const unknown = types.find((type) => !TYPES.includes(type));
  if (unknown !== undefined) throw errors.invalid(`unknown object type: ${unknown}`);
  const wants = (type: string): boolean => types.length === 0 || types.includes(type);
  const { images, layerBytes, contentBytes, partialBytes } = parts.images.usage();
  // compat: the youngest first.
  const records = parts.containers.list().toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const users = new Map<string, number>();
  for (const { imageId } of records) users.set(imageId, (users.get(imageId) ?? 0) + 1);
  const now = nowNs();
  sendJson(response, 200, {
    LayersSize: wants('image') ? layerBytes : 0,
    Images: wants('image')
      ? images
          .map(({ image, sharedBytes }) =>
            summarizeImage(image, {
              shared: sharedBytes,
              containers: users.get(image.id) ?? 0,
              minorVersion: minorVersion(url),
            }),
          )
          .sort((a, b) => b.Created - a.Created)
      : null,
    Containers: wants('container')
      ? await Promise.all(
          records.map(async (record) => ({
            ...summarizeContainer(parts, record, now),
            ...withoutZeros(await sizesJson(parts, record)),
          })),
        )
      : null,
    Volumes: wants('volume') ? [] : null,
    BuildCache: wants('build-cache') ? [] : null,
    // compat: before 1.42.
    ...(minorVersion(url) < 42 ? { BuilderSize: 0 } : {}),
    // Not Docker's: blobs as registries have them, and downloads that will go on.
    ContentSize: contentBytes,
    PartialSize: partialBytes,
  });
}
