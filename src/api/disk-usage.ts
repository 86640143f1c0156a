/** `GET /system/df` in its two shapes: sums and items of each type since 1.52, plain lists before. */
import { compareTimes, nowNs } from '#base';
import type { Builder, CacheUsage } from '#build';
import { type EngineParts, measureVolumes } from '#engine';
import type { BuildCacheRow, ContainerSummary, ImageSummary, TypeUsage, VolumeJson } from '#specs';
import { summaryJson } from './container-json.ts';
import { sizesJson, withoutZeros } from './routes/containers/read.ts';
import { volumeJson } from './volume-json.ts';
import { summarizeImage, usersOf } from './routes/images/list.ts';

export const usageTypes = ['container', 'image', 'volume', 'build-cache'] as const;
export type UsageType = (typeof usageTypes)[number];

export interface UsageWish {
  readonly types: ReadonlySet<UsageType>;
  /** Every item, not only the sums. */
  readonly verbose: boolean;
  readonly minorVersion: number;
}

interface Found {
  readonly images: readonly ImageSummary[];
  readonly layerBytes: number;
  readonly containers: readonly ContainerSummary[];
  readonly volumes: readonly VolumeJson[];
  readonly buildCache: readonly BuildCacheRow[];
}

export async function diskUsage(parts: EngineParts, builder: Builder, wish: UsageWish): Promise<object> {
  const found: Found = {
    ...(wish.types.has('image') ? imagesOf(parts, wish.minorVersion) : { images: [], layerBytes: 0 }),
    containers: wish.types.has('container') ? await containersOf(parts, wish.minorVersion) : [],
    volumes: wish.types.has('volume') ? await volumesOf(parts) : [],
    buildCache: wish.types.has('build-cache') ? builder.usage().map(cacheRow) : [],
  };
  if (wish.minorVersion < 52) return lists(found, wish);
  // compat: 1.52 has both, unless the newer one is asked for in full.
  return { ...(wish.minorVersion === 52 && !wish.verbose ? lists(found, wish) : {}), ...sums(found, wish) };
}

function imagesOf(parts: EngineParts, minorVersion: number): Pick<Found, 'images' | 'layerBytes'> {
  const { images, layerBytes } = parts.images.usage();
  const users = usersOf(parts);
  const rows = images.map(({ image, sharedBytes }) =>
    summarizeImage(image, { shared: sharedBytes, containers: users.get(image.id) ?? 0, minorVersion }),
  );
  return { images: rows.sort((a, b) => b.Created - a.Created), layerBytes };
}

async function volumesOf(parts: EngineParts): Promise<VolumeJson[]> {
  const found = await measureVolumes(parts);
  return found.map(({ record, sizeBytes, containers }) => ({
    ...volumeJson(parts, record),
    UsageData: { Size: sizeBytes, RefCount: containers },
  }));
}

/** compat: the youngest first. */
async function containersOf(parts: EngineParts, minorVersion: number): Promise<ContainerSummary[]> {
  const records = parts.containers.list().toSorted((a, b) => compareTimes(b.createdAt, a.createdAt));
  const now = nowNs();
  return Promise.all(
    records.map(async (record) => ({
      ...summaryJson(parts, record, now, minorVersion),
      ...withoutZeros(await sizesJson(parts, record)),
    })),
  );
}

/** compat: what was not asked for is null. */
function lists(
  { images, layerBytes, containers, volumes, buildCache }: Found,
  { types, minorVersion }: UsageWish,
): object {
  return {
    LayersSize: layerBytes,
    Images: types.has('image') ? images : null,
    Containers: types.has('container') ? containers : null,
    Volumes: types.has('volume') ? volumes : null,
    BuildCache: types.has('build-cache') ? buildCache : null,
    ...(minorVersion < 42 ? { BuilderSize: cacheSums(buildCache).TotalSize } : {}),
  };
}

/** compat: what was not asked for is left out. */
function sums({ images, layerBytes, containers, volumes, buildCache }: Found, { types, verbose }: UsageWish): object {
  const withItems = <Item>(usage: TypeUsage<Item>, items: readonly Item[]): TypeUsage<Item> =>
    verbose ? { ...usage, Items: items } : usage;
  return {
    ...(types.has('image') ? { ImageUsage: withItems(imageSums(images, layerBytes), images) } : {}),
    ...(types.has('container') ? { ContainerUsage: withItems(containerSums(containers), containers) } : {}),
    ...(types.has('volume') ? { VolumeUsage: withItems(volumeSums(volumes), volumes) } : {}),
    ...(types.has('build-cache') ? { BuildCacheUsage: withItems(cacheSums(buildCache), buildCache) } : {}),
  };
}

/** compat: what the images in use need at least: layers shared with others count once. */
function imageSums(images: readonly ImageSummary[], layerBytes: number): TypeUsage<ImageSummary> {
  const used = images.filter(({ Containers }) => Containers > 0);
  const usedBytes = used.reduce((sum, { Size, SharedSize }) => sum + Size - Math.max(0, SharedSize), 0);
  return {
    ActiveCount: used.length,
    TotalCount: images.length,
    Reclaimable: Math.max(0, layerBytes - usedBytes),
    TotalSize: layerBytes,
  };
}

function cacheRow(usage: CacheUsage): BuildCacheRow {
  return {
    ID: usage.id,
    Parents: usage.parents.length === 0 ? null : usage.parents,
    // compat: a downloaded file has no type of its own.
    Type: usage.kind === 'source.http' ? 'regular' : usage.kind,
    Description: usage.description,
    InUse: usage.isInUse,
    Shared: usage.isShared,
    Size: usage.sizeBytes,
    CreatedAt: usage.createdAt,
    LastUsedAt: usage.lastUsedAt,
    UsageCount: usage.useCount,
  };
}

/** compat: what images have too is no part of the cache's size. */
function cacheSums(rows: readonly BuildCacheRow[]): TypeUsage<BuildCacheRow> {
  const own = rows.filter(({ Shared }) => !Shared);
  const sizes = (list: readonly BuildCacheRow[]): number => list.reduce((sum, { Size }) => sum + Size, 0);
  return {
    ActiveCount: rows.filter(({ InUse }) => InUse).length,
    TotalCount: rows.length,
    Reclaimable: sizes(own.filter(({ InUse }) => !InUse)),
    TotalSize: sizes(own),
  };
}

function containerSums(containers: readonly ContainerSummary[]): TypeUsage<ContainerSummary> {
  const idle = containers.filter(({ State }) => !['running', 'paused', 'restarting'].includes(State));
  const written = (list: readonly ContainerSummary[]): number => list.reduce((sum, { SizeRw = 0 }) => sum + SizeRw, 0);
  return {
    ActiveCount: containers.length - idle.length,
    TotalCount: containers.length,
    Reclaimable: written(idle),
    TotalSize: written(containers),
  };
}

function volumeSums(volumes: readonly VolumeJson[]): TypeUsage<VolumeJson> {
  const idle = volumes.filter(({ UsageData }) => UsageData?.RefCount === 0);
  const bytes = (list: readonly VolumeJson[]): number =>
    list.reduce((sum, each) => sum + (each.UsageData?.Size ?? 0), 0);
  return {
    ActiveCount: volumes.length - idle.length,
    TotalCount: volumes.length,
    Reclaimable: bytes(idle),
    TotalSize: bytes(volumes),
  };
}
