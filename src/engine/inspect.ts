/** A container's record → Docker's JSON for inspect and list. Only this file of the engine, and its parts for networks and mounts, know those shapes. */
import { humanDuration, parseTimeNs, ZERO_TIME } from '#base';
import { withTag } from '#images';
import { defaultMaskedPaths, defaultReadonlyPaths } from '#runtime';
import type { ContainerInspect, ContainerStateJson, ContainerSummary, Healthcheck, HealthJson } from '#specs';
import type { ContainerRecord } from './container-record.ts';
import type { DeviceRate, DeviceRequest, HostSettings } from './container-settings.ts';
import type { Health } from './health/healthcheck.ts';
import { hostMountsOf, mountsJson } from './inspect-mounts.ts';
import { hostNetworkingOf, networkSettingsOf, networksJson, portListOf } from './inspect-network.ts';
import { linkNamesOf } from './links.ts';
import { hostnameOf } from './oci-config.ts';
import { mergeEnvironment } from './program.ts';
import { noRestart } from './restart-policy.ts';
import { runtimeNameOf } from './runtimes.ts';
import { type EngineParts, logPathOf, runDirectoryOf } from './parts.ts';

export function inspectContainer(parts: EngineParts, record: ContainerRecord): ContainerInspect {
  const { settings, program, id } = record;
  const run = runDirectoryOf(parts.options, id);
  const execIds = parts.execs.activeOf(id);
  return {
    Id: id,
    Created: record.createdAt,
    Path: program.args[0] ?? '',
    Args: program.args.slice(1),
    State: stateOf(record),
    Image: record.imageId,
    ResolvConfPath: `${run}/resolv.conf`,
    HostnamePath: `${run}/hostname`,
    HostsPath: `${run}/hosts`,
    LogPath: settings.host.log.driver === 'json-file' ? logPathOf(parts.options, id) : '',
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: parts.snapshots.driver,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execIds.length === 0 ? null : execIds,
    HostConfig: { ...hostConfigOf(settings.host), ...hostMountsOf(settings.host), ...hostNetworkingOf(parts, record) },
    GraphDriver: { Data: {}, Name: parts.snapshots.driver },
    Mounts: mountsJson(parts, record),
    Config: configOf(parts, record),
    NetworkSettings: networkSettingsOf(parts, record),
  };
}

/** compat: Docker's six booleans, derived from one status. */
export function stateOf(record: ContainerRecord): ContainerStateJson {
  const { status } = record;
  return {
    Status: status,
    Running: status === 'running' || status === 'paused' || status === 'restarting',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: record.process?.oomKilled ?? record.exit?.oomKilled ?? false,
    Dead: status === 'dead',
    Pid: record.process?.pid ?? 0,
    ExitCode: record.exit?.code ?? 0,
    Error: record.error,
    StartedAt: record.startedAt ?? ZERO_TIME,
    FinishedAt: record.exit?.finishedAt ?? ZERO_TIME,
    ...(record.health ? { Health: healthOf(record.health) } : {}),
  };
}

function healthOf({ status, failingStreak, log }: Health): HealthJson {
  return {
    Status: status,
    FailingStreak: failingStreak,
    Log: log.map(({ start, end, exitCode, output }) => ({
      Start: start,
      End: end,
      ExitCode: exitCode,
      Output: output,
    })),
  };
}

export function summarizeContainer(parts: EngineParts, record: ContainerRecord, nowNs: bigint): ContainerSummary {
  const { settings, program } = record;
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...linkNamesOf(parts, record.id)],
    Image: imageNameOf(parts, record),
    ImageID: record.imageId,
    Command: commandLine(program.args),
    Created: Number((parseTimeNs(record.createdAt) ?? 0n) / 1_000_000_000n),
    Ports: portListOf(record),
    Labels: program.labels,
    State: record.status,
    Status: describeStatus(record, nowNs),
    HostConfig: {
      NetworkMode: settings.host.networkMode,
      ...(settings.host.annotations ? { Annotations: settings.host.annotations } : {}),
    },
    NetworkSettings: { Networks: networksJson(parts, record) },
    Mounts: mountsJson(parts, record),
    Health: { Status: record.health?.status ?? 'none', FailingStreak: record.health?.failingStreak ?? 0 },
  };
}

/** compat: as it was given, but its id when that name stands for something else now. */
function imageNameOf(
  { images }: Pick<EngineParts, 'images'>,
  { settings: { image }, imageId }: ContainerRecord,
): string {
  const record = images.get(imageId);
  if (!record || /^(?:sha256:)?[0-9a-f]+$/.test(image)) return imageId.includes(image) ? image : imageId;
  const name = withTag(image);
  return record.tags.includes(name) || record.repoDigests.includes(name) ? image : imageId;
}

/** compat: arguments with a space in them are quoted, and nothing is escaped. */
function commandLine([program = '', ...args]: readonly string[]): string {
  return [program, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
}

/** `Up 3 minutes`, `Exited (0) 2 hours ago`: the column people read (compat: moby container.State.String). */
export function describeStatus(record: ContainerRecord, nowNs: bigint): string {
  const since = (time: string | undefined): string =>
    humanDuration(Number((nowNs - (parseTimeNs(time ?? '') ?? nowNs)) / 1_000_000n));
  switch (record.status) {
    case 'running':
      return `Up ${since(record.startedAt)}${healthText(record.health)}`;
    case 'paused':
      return `Up ${since(record.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${record.exit?.code ?? 0}) ${since(record.exit?.finishedAt)} ago`;
    case 'exited':
      return `Exited (${record.exit?.code ?? 0}) ${since(record.exit?.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    default:
      return 'Created';
  }
}

function healthText(health: Health | undefined): string {
  if (!health) return '';
  return health.status === 'starting' ? ' (health: starting)' : ` (${health.status})`;
}

/** compat: of the environment what image and user say, and nothing that is always there. */
function configOf({ images }: Pick<EngineParts, 'images'>, record: ContainerRecord): object {
  const { settings, program } = record;
  return {
    Hostname: hostnameOf(record.id, settings.hostname),
    Domainname: settings.domainname,
    User: program.user,
    AttachStdin: settings.attach.stdin,
    AttachStdout: settings.attach.stdout,
    AttachStderr: settings.attach.stderr,
    ...(program.exposedPorts ? { ExposedPorts: setOf(program.exposedPorts) } : {}),
    Tty: settings.tty,
    OpenStdin: settings.openStdin,
    StdinOnce: settings.stdinOnce,
    Env: nullable(mergeEnvironment([images.get(record.imageId)?.config.env ?? [], settings.env])),
    Cmd: program.command,
    ...(program.healthcheck ? { Healthcheck: healthcheckOf(program.healthcheck) } : {}),
    Image: settings.image,
    Volumes: program.volumes ? setOf(program.volumes) : null,
    WorkingDir: program.workingDirectory === '/' && settings.workingDirectory === '' ? '' : program.workingDirectory,
    Entrypoint: program.entrypoint,
    ...(settings.networkDisabled ? { NetworkDisabled: true } : {}),
    ...(settings.onBuild ? { OnBuild: settings.onBuild } : {}),
    Labels: program.labels,
    ...(settings.stopSignal ? { StopSignal: settings.stopSignal } : {}),
    ...(settings.stopTimeoutSeconds === undefined ? {} : { StopTimeout: settings.stopTimeoutSeconds }),
    ...(program.shell ? { Shell: program.shell } : {}),
  };
}

/** Go's set of strings. */
const setOf = (names: readonly string[]): Readonly<Record<string, object>> =>
  Object.fromEntries(names.map((name) => [name, {}]));

/** compat: what is zero is left out. */
function healthcheckOf(check: Healthcheck): object {
  const times = {
    Interval: check.interval,
    Timeout: check.timeout,
    StartPeriod: check.startPeriod,
    StartInterval: check.startInterval,
    Retries: check.retries,
  };
  const given = Object.entries(times).filter(([, value]) => value !== 0);
  return { ...(check.test.length > 0 ? { Test: check.test } : {}), ...Object.fromEntries(given) };
}

function hostConfigOf(host: HostSettings): object {
  const { resources } = host;
  return {
    Binds: null,
    ContainerIDFile: '',
    LogConfig: { Type: host.log.driver, Config: host.log.options },
    NetworkMode: host.networkMode,
    PortBindings: {},
    RestartPolicy: restartPolicyOf(host),
    AutoRemove: host.autoRemove,
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: [host.consoleSize?.rows ?? 0, host.consoleSize?.columns ?? 0],
    ...(host.annotations ? { Annotations: host.annotations } : {}),
    CapAdd: nullable(host.capAdd),
    CapDrop: nullable(host.capDrop),
    CgroupnsMode: host.cgroupnsMode,
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: nullable(host.extraHosts),
    GroupAdd: nullable(host.groupAdd),
    IpcMode: host.ipcMode,
    Cgroup: '',
    OomScoreAdj: host.oomScoreAdj,
    PidMode: host.pidMode,
    Privileged: host.privileged,
    PublishAllPorts: false,
    ReadonlyRootfs: host.readonlyRootfs,
    SecurityOpt: nullable(host.securityOptions),
    ...(host.storageBytes === undefined ? {} : { StorageOpt: { size: String(host.storageBytes) } }),
    UTSMode: host.utsMode,
    UsernsMode: host.usernsMode ?? '',
    ShmSize: host.shmSizeBytes,
    ...(Object.keys(host.sysctls).length > 0 ? { Sysctls: host.sysctls } : {}),
    Runtime: runtimeNameOf(host),
    Isolation: '',
    CpuShares: resources.cpuShares,
    Memory: resources.memoryBytes,
    NanoCpus: resources.nanoCpus,
    CgroupParent: host.cgroupParent,
    BlkioWeight: resources.blkioWeight,
    BlkioWeightDevice: (resources.deviceWeights ?? []).map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: ratesOf(resources.deviceReadBps),
    BlkioDeviceWriteBps: ratesOf(resources.deviceWriteBps),
    BlkioDeviceReadIOps: ratesOf(resources.deviceReadIops),
    BlkioDeviceWriteIOps: ratesOf(resources.deviceWriteIops),
    CpuPeriod: resources.cpuPeriodUs,
    CpuQuota: resources.cpuQuotaUs,
    CpuRealtimePeriod: resources.realtimePeriodUs ?? 0,
    CpuRealtimeRuntime: resources.realtimeRuntimeUs ?? 0,
    CpusetCpus: resources.cpusetCpus,
    CpusetMems: resources.cpusetMems,
    Devices: host.devices.map((device) => ({
      PathOnHost: device.pathOnHost,
      PathInContainer: device.pathInContainer,
      CgroupPermissions: device.permissions,
    })),
    DeviceCgroupRules: nullable(host.deviceCgroupRules),
    DeviceRequests: nullable((host.deviceRequests ?? []).map(requestOf)),
    MemoryReservation: resources.memoryReservationBytes,
    MemorySwap: resources.memorySwapBytes === 0 ? resources.memoryBytes * 2 : resources.memorySwapBytes,
    MemorySwappiness: resources.memorySwappiness ?? null,
    OomKillDisable: resources.oomKillDisable,
    PidsLimit: resources.pidsLimit === 0 ? null : resources.pidsLimit,
    Ulimits: host.ulimits.map(({ name, soft, hard }) => ({ Name: name, Hard: hard, Soft: soft })),
    // Of Windows.
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    MaskedPaths: pathsOf(host, host.maskedPaths, defaultMaskedPaths()),
    ReadonlyPaths: pathsOf(host, host.readonlyPaths, defaultReadonlyPaths),
    ...(host.init ? { Init: true } : {}),
  };
}

/** compat: those that hold, and null for a privileged container, which has none of its own accord. */
function pathsOf(
  { privileged }: HostSettings,
  own: readonly string[] | undefined,
  byDefault: readonly string[],
): readonly string[] | null {
  return own ?? (privileged ? null : byDefault);
}

function requestOf({ driver, count, deviceIds, capabilities, options }: DeviceRequest): object {
  return {
    Driver: driver,
    Count: count,
    DeviceIDs: nullable(deviceIds),
    Capabilities: nullable(capabilities),
    Options: options,
  };
}

function restartPolicyOf({ restart = noRestart }: HostSettings): object {
  return { Name: restart.name, MaximumRetryCount: restart.maximumRetries };
}

const nullable = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);

const ratesOf = (rates: readonly DeviceRate[]): object[] => rates.map(({ path, rate }) => ({ Path: path, Rate: rate }));
