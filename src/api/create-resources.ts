/** Limits as Docker's clients send them, for create and update. */
import type { ResourceSettings } from '#engine';
import type { ResourcesBody, ThrottleDeviceBody, UpdateBody } from '#specs';
import { errors } from './errors.ts';
import { isGiven } from './given.ts';

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
    pidsLimit: Math.max(0, body.PidsLimit ?? 0),
    blkioWeight: body.BlkioWeight ?? 0,
    deviceReadBps: rates(body.BlkioDeviceReadBps),
    deviceWriteBps: rates(body.BlkioDeviceWriteBps),
    deviceReadIops: rates(body.BlkioDeviceReadIOps),
    deviceWriteIops: rates(body.BlkioDeviceWriteIOps),
  };
}

/**
 * What an update body names, over what is there: absent and zero fields leave a limit as it is. compat: but a zero takes
 * the limit of processes away, and an empty list those of devices.
 */
export function mergeResources(before: ResourceSettings, body: ResourcesBody): ResourceSettings {
  const wanted = parseResources(body);
  const changed = Object.entries(wanted).filter(([, value]) => isSet(value));
  return {
    ...before,
    ...(Object.fromEntries(changed) as Partial<ResourceSettings>),
    ...(typeof body.PidsLimit === 'number' && body.PidsLimit <= 0 ? { pidsLimit: -1 } : {}),
    ...(body.BlkioDeviceReadBps ? { deviceReadBps: wanted.deviceReadBps } : {}),
    ...(body.BlkioDeviceWriteBps ? { deviceWriteBps: wanted.deviceWriteBps } : {}),
    ...(body.BlkioDeviceReadIOps ? { deviceReadIops: wanted.deviceReadIops } : {}),
    ...(body.BlkioDeviceWriteIOps ? { deviceWriteIops: wanted.deviceWriteIops } : {}),
  };
}

/** What a container has from its start on: Docker takes these fields and does nothing with them. */
const fixed = [
  'CgroupParent',
  'BlkioWeightDevice',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'Devices',
  'DeviceCgroupRules',
  'DeviceRequests',
  'Init',
  'Ulimits',
  'CpuCount',
  'CpuPercent',
  'IOMaximumIOps',
  'IOMaximumBandwidth',
  'KernelMemory',
  'KernelMemoryTCP',
] as const;

/** Throws `api.unsupported` for a field with a value that an update cannot give. */
export function refuseUpdates(body: UpdateBody): void {
  const fields: Readonly<Record<string, unknown>> = { ...body };
  const field = fixed.find((name) => isGiven(fields[name]));
  if (field !== undefined) throw errors.unsupported(`an update of ${field}`, 'make the container anew');
}

const isSet = (value: unknown): boolean =>
  !(value === 0 || value === '' || value === false || (Array.isArray(value) && value.length === 0));

const rates = (list: readonly ThrottleDeviceBody[] | null | undefined): { path: string; rate: number }[] =>
  (list ?? []).map(({ Path, Rate }) => ({ path: Path, rate: Rate }));
