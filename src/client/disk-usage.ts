/** `GET /system/df` of any version as the newest has it: older daemons tell lists, and no sums. */
import type { BuildCacheRow, ContainerSummary, DiskUsageAnswer, ImageSummary, TypeUsage, VolumeJson } from '#specs';

/** Until API 1.51; null where it was not asked for. */
export interface DiskUsageLists {
  readonly LayersSize: number;
  readonly Images: readonly ImageSummary[] | null;
  readonly Containers: readonly ContainerSummary[] | null;
  readonly Volumes: readonly VolumeJson[] | null;
  readonly BuildCache: readonly BuildCacheRow[] | null;
}

export function readDiskUsage(answer: DiskUsageAnswer | DiskUsageLists): DiskUsageAnswer {
  if (!('LayersSize' in answer) || 'ImageUsage' in answer) return answer as DiskUsageAnswer;
  const { LayersSize, Images, Containers, Volumes, BuildCache } = answer;
  return {
    ...(Images ? { ImageUsage: imageSums(Images, LayersSize) } : {}),
    ...(Containers ? { ContainerUsage: containerSums(Containers) } : {}),
    ...(Volumes ? { VolumeUsage: volumeSums(Volumes) } : {}),
    ...(BuildCache ? { BuildCacheUsage: cacheSums(BuildCache) } : {}),
  };
}

/** compat: what the images in use need at least: layers shared with others count once. */
function imageSums(items: readonly ImageSummary[], layersSize: number): TypeUsage<ImageSummary> {
  const used = items.filter(({ Containers }) => Containers > 0);
  const usedBytes = sum(used, ({ Size, SharedSize }) => Size - Math.max(0, SharedSize));
  return usage(items, used.length, layersSize, Math.max(0, layersSize - usedBytes));
}

function containerSums(items: readonly ContainerSummary[]): TypeUsage<ContainerSummary> {
  const idle = items.filter(({ State }) => !['running', 'paused', 'restarting'].includes(State));
  const written = ({ SizeRw = 0 }: ContainerSummary): number => SizeRw;
  return usage(items, items.length - idle.length, sum(items, written), sum(idle, written));
}

function volumeSums(items: readonly VolumeJson[]): TypeUsage<VolumeJson> {
  const free = items.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) === 0);
  const size = ({ UsageData }: VolumeJson): number => Math.max(0, UsageData?.Size ?? 0);
  return usage(items, items.length - free.length, sum(items, size), sum(free, size));
}

function cacheSums(items: readonly BuildCacheRow[]): TypeUsage<BuildCacheRow> {
  const own = items.filter(({ Shared }) => !Shared);
  const size = ({ Size }: BuildCacheRow): number => Size;
  const free = own.filter(({ InUse }) => !InUse);
  return usage(items, items.filter(({ InUse }) => InUse).length, sum(own, size), sum(free, size));
}

function usage<Item>(Items: readonly Item[], active: number, size: number, reclaimable: number): TypeUsage<Item> {
  return { ActiveCount: active, TotalCount: Items.length, Reclaimable: reclaimable, TotalSize: size, Items };
}

const sum = <Item>(items: readonly Item[], size: (item: Item) => number): number =>
  items.reduce((all, item) => all + size(item), 0);
