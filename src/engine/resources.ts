/** Limits as asked for → `linux.resources` of the OCI config. */
import { statSync } from 'node:fs';
import { blockScheduler, onlineUnits } from '#linux';
import type { DeviceRule, Resources, ThrottleDevice, WeightDevice } from '#specs';
import type { DeviceRate, DeviceWeight, ResourceSettings } from './container-settings.ts';
import { checkCpuLists } from './cpu-lists.ts';
import { deviceNumbers } from './devices.ts';
import { errors } from './errors.ts';

const LEAST_MEMORY = 6 * 1024 * 1024;
const CFS_PERIOD_US = 100_000;

/** Throws `container.invalid` with Docker's wording for limits that contradict each other. */
export function checkResources(settings: ResourceSettings, cpus: number): void {
  const { memoryBytes, memorySwapBytes, memoryReservationBytes } = settings;
  if (memoryBytes !== 0 && memoryBytes < LEAST_MEMORY) throw errors.invalid('Minimum memory limit allowed is 6MB');
  if (memoryBytes > 0 && memorySwapBytes > 0 && memorySwapBytes < memoryBytes) {
    throw errors.invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (memoryBytes === 0 && memorySwapBytes > 0) {
    throw errors.invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (memoryReservationBytes > 0 && memoryReservationBytes < LEAST_MEMORY) {
    throw errors.invalid('Minimum memory reservation allowed is 6MB');
  }
  if (memoryBytes > 0 && memoryReservationBytes > memoryBytes) {
    throw errors.invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  if (settings.memorySwappiness !== undefined && (settings.memorySwappiness < 0 || settings.memorySwappiness > 100)) {
    throw errors.invalid(`Invalid value: ${settings.memorySwappiness}, valid memory swappiness range is 0-100`);
  }
  if (settings.nanoCpus > 0 && (settings.cpuPeriodUs > 0 || settings.cpuQuotaUs > 0)) {
    const other = settings.cpuPeriodUs > 0 ? 'CPU Period' : 'CPU Quota';
    throw errors.invalid(`Conflicting options: Nano CPUs and ${other} cannot both be set`);
  }
  if (settings.nanoCpus < 0 || settings.nanoCpus > cpus * 1e9) {
    throw errors.invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
  if (settings.nanoCpus > 0 && settings.nanoCpus < 1e7) {
    throw errors.invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
  if (settings.cpuPeriodUs > 0 && (settings.cpuPeriodUs < 1000 || settings.cpuPeriodUs > 1_000_000)) {
    throw errors.invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (settings.cpuQuotaUs > 0 && settings.cpuQuotaUs < 1000) {
    throw errors.invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  if (settings.cpusetCpus !== '' || settings.cpusetMems !== '') {
    checkCpuLists({ cpus: settings.cpusetCpus, nodes: settings.cpusetMems }, onlineUnits());
  }
  const { realtimePeriodUs = 0, realtimeRuntimeUs = 0 } = settings;
  if (realtimePeriodUs > 0 && realtimeRuntimeUs > realtimePeriodUs) {
    throw errors.invalid('cpu real-time runtime cannot be higher than cpu real-time period');
  }
  const weights = [settings.blkioWeight, ...(settings.deviceWeights ?? []).map(({ weight }) => weight)];
  if (weights.some((weight) => weight !== 0 && (weight < 10 || weight > 1000))) {
    throw errors.invalid('Range of blkio weight is from 10 to 1000');
  }
}

/**
 * Without weights for devices nobody would go by, and a warning then. compat: Docker's words, and that the container is made all
 * the same. kernel: on v1 a weight is BFQ's or CFQ's; on v2 the I/O cost model takes it from any device.
 */
export function withoutVainWeights(
  settings: ResourceSettings,
  cgroupVersion: 1 | 2,
): { readonly resources: ResourceSettings; readonly warnings: readonly string[] } {
  const weights = settings.deviceWeights ?? [];
  const kept = weights.filter(
    ({ path }) => cgroupVersion === 2 || ['bfq', 'cfq'].includes(blockScheduler(numbersOf(path)) ?? ''),
  );
  if (kept.length === weights.length) return { resources: settings, warnings: [] };
  const warning =
    'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.';
  return { resources: { ...settings, deviceWeights: kept }, warnings: [warning] };
}

/** compat: zero means "not limited"; NanoCPUs become a quota per 100 ms; swap defaults to as much again as memory. */
export function toOciResources(settings: ResourceSettings, devices: readonly DeviceRule[]): Resources {
  const period = settings.nanoCpus > 0 ? CFS_PERIOD_US : settings.cpuPeriodUs;
  const quota = settings.nanoCpus > 0 ? Math.round((settings.nanoCpus * CFS_PERIOD_US) / 1e9) : settings.cpuQuotaUs;
  const swap = settings.memorySwapBytes !== 0 ? settings.memorySwapBytes : settings.memoryBytes * 2;
  return {
    devices,
    memory: {
      ...given('limit', settings.memoryBytes),
      ...given('swap', swap),
      ...given('reservation', settings.memoryReservationBytes),
      ...(settings.memorySwappiness === undefined ? {} : { swappiness: settings.memorySwappiness }),
      ...(settings.oomKillDisable ? { disableOOMKiller: true } : {}),
    },
    cpu: {
      ...given('shares', settings.cpuShares),
      ...given('period', period),
      ...given('quota', quota),
      ...given('realtimePeriod', settings.realtimePeriodUs ?? 0),
      ...given('realtimeRuntime', settings.realtimeRuntimeUs ?? 0),
      ...(settings.cpusetCpus === '' ? {} : { cpus: settings.cpusetCpus }),
      ...(settings.cpusetMems === '' ? {} : { mems: settings.cpusetMems }),
    },
    ...(settings.pidsLimit === 0 ? {} : { pids: { limit: settings.pidsLimit < 0 ? -1 : settings.pidsLimit } }),
    blockIO: {
      ...given('weight', settings.blkioWeight),
      ...deviceWeights(settings.deviceWeights ?? []),
      ...rates('throttleReadBpsDevice', settings.deviceReadBps),
      ...rates('throttleWriteBpsDevice', settings.deviceWriteBps),
      ...rates('throttleReadIOPSDevice', settings.deviceReadIops),
      ...rates('throttleWriteIOPSDevice', settings.deviceWriteIops),
    },
  };
}

const given = <Key extends string>(key: Key, value: number): { [K in Key]?: number } =>
  value === 0 ? {} : ({ [key]: value } as { [K in Key]?: number });

function rates<Key extends string>(key: Key, devices: readonly DeviceRate[]): { [K in Key]?: ThrottleDevice[] } {
  if (devices.length === 0) return {};
  const list = devices.map(({ path, rate }) => ({ ...numbersOf(path), rate }));
  return { [key]: list } as { [K in Key]?: ThrottleDevice[] };
}

function deviceWeights(devices: readonly DeviceWeight[]): { weightDevice?: WeightDevice[] } {
  if (devices.length === 0) return {};
  return { weightDevice: devices.map(({ path, weight }) => ({ ...numbersOf(path), weight })) };
}

function numbersOf(path: string): { major: number; minor: number } {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isBlockDevice()) throw errors.invalid(`${path} is not a block device`);
  return deviceNumbers(stats.rdev);
}
