/** Limits as Docker's clients send them, for create and update. */
import { isDeepStrictEqual } from 'node:util';
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
    ...(body.CpuRealtimePeriod ? { realtimePeriodUs: body.CpuRealtimePeriod } : {}),
    ...(body.CpuRealtimeRuntime ? { realtimeRuntimeUs: body.CpuRealtimeRuntime } : {}),
    cpusetCpus: body.CpusetCpus ?? '',
    cpusetMems: body.CpusetMems ?? '',
    pidsLimit: Math.max(0, body.PidsLimit ?? 0),
    blkioWeight: body.BlkioWeight ?? 0,
    ...(body.BlkioWeightDevice?.length
      ? { deviceWeights: body.BlkioWeightDevice.map(({ Path, Weight }) => ({ path: Path, weight: Weight })) }
      : {}),
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
    ...(body.BlkioWeightDevice?.length === 0 ? { deviceWeights: [] } : {}),
    ...(body.BlkioDeviceReadBps ? { deviceReadBps: wanted.deviceReadBps } : {}),
    ...(body.BlkioDeviceWriteBps ? { deviceWriteBps: wanted.deviceWriteBps } : {}),
    ...(body.BlkioDeviceReadIOps ? { deviceReadIops: wanted.deviceReadIops } : {}),
    ...(body.BlkioDeviceWriteIOps ? { deviceWriteIops: wanted.deviceWriteIops } : {}),
  };
}

/** What a container has from its start on. */
const fixed = [
  'CgroupParent',
  'Devices',
  'DeviceCgroupRules',
  'DeviceRequests',
  'Init',
  'Ulimits',
] as const satisfies readonly (keyof ResourcesBody)[];

/**
 * One line for each field of an update that stays without effect. compat: Docker takes them and does nothing with them, for
 * clients send back all that inspect has told them; here whoever wants something else than `shown` is told that it stays.
 */
export function updateWarnings(body: UpdateBody, shown: Readonly<Record<string, unknown>>): string[] {
  return fixed
    .filter((name) => isGiven(body[name]) || (body[name] === false && isGiven(shown[name])))
    .filter((name) => !isDeepStrictEqual(body[name], shown[name]))
    .map((name) => `${name} cannot be changed by an update and stays as it is: make the container anew`);
}

/**
 * What other systems have, in a line each for what has no effect. compat: Docker on Linux discards the one and refuses the
 * other; what it takes without a word is told here. Throws `api.invalid`.
 */
export function windowsWarnings(body: ResourcesBody): string[] {
  if (isGiven(body.IOMaximumIOps) || isGiven(body.IOMaximumBandwidth)) {
    throw errors.invalid('Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps');
  }
  return [
    ...(isGiven(body.CpuPercent) ? ['linux does not support CPU percent. Percent discarded.'] : []),
    ...(isGiven(body.CpuCount) ? ['linux does not support CPU count. Count discarded.'] : []),
  ];
}

/** Of the kernel's own memory. compat: gone from Docker since 1.42; who still asks for it is refused. */
export function refuseKernelMemory(body: object): void {
  const fields = body as Readonly<Record<string, unknown>>;
  const field = ['KernelMemory', 'KernelMemoryTCP'].find((name) => isGiven(fields[name]));
  if (field !== undefined) throw errors.unsupported(field, 'limit Memory, which counts it');
}

const isSet = (value: unknown): boolean =>
  !(value === 0 || value === '' || value === false || (Array.isArray(value) && value.length === 0));

const rates = (list: readonly ThrottleDeviceBody[] | null | undefined): { path: string; rate: number }[] =>
  (list ?? []).map(({ Path, Rate }) => ({ path: Path, rate: Rate }));
