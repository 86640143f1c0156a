/** Limits as Docker's clients send them, for create and update. */
import type { ResourceSettings } from '#engine';
import type { ResourcesBody, ThrottleDeviceBody } from '#specs';

export function parseResources(body: ResourcesBody): ResourceSettings {
  const swappiness = body.MemorySwappiness;
  return {
    memoryBytes: body.Memory ?? 0,
    memorySwapBytes: body.MemorySwap ?? 0,
    memoryReservationBytes: body.MemoryReservation ?? 0,
    ...(typeof swappiness === 'number' && swappiness !== -1 ? { memorySwappiness: swappiness } : {}),
    oomKillDisable: body.OomKillDisable ?? false,
    nanoCpus: body.NanoCpus ?? 0,
    cpuShares: body.CpuShares ?? 0,
    cpuPeriodUs: body.CpuPeriod ?? 0,
    cpuQuotaUs: body.CpuQuota ?? 0,
    cpusetCpus: body.CpusetCpus ?? '',
    cpusetMems: body.CpusetMems ?? '',
    pidsLimit: body.PidsLimit ?? 0,
    blkioWeight: body.BlkioWeight ?? 0,
    deviceReadBps: rates(body.BlkioDeviceReadBps),
    deviceWriteBps: rates(body.BlkioDeviceWriteBps),
    deviceReadIops: rates(body.BlkioDeviceReadIOps),
    deviceWriteIops: rates(body.BlkioDeviceWriteIOps),
  };
}

/** What an update body names, over what is there: absent and zero fields leave a limit as it is. */
export function mergeResources(before: ResourceSettings, body: ResourcesBody): ResourceSettings {
  const wanted = parseResources(body);
  const changed = Object.entries(wanted).filter(([, value]) => isSet(value));
  return { ...before, ...(Object.fromEntries(changed) as Partial<ResourceSettings>) };
}

const isSet = (value: unknown): boolean =>
  !(value === 0 || value === '' || value === false || (Array.isArray(value) && value.length === 0));

const rates = (list: readonly ThrottleDeviceBody[] | null | undefined): { path: string; rate: number }[] =>
  (list ?? []).map(({ Path, Rate }) => ({ path: Path, rate: Rate }));
