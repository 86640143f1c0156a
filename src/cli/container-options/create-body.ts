/** Flags of `run` and `create` → the body of POST /containers/create. Only what was asked for is in it. */
import {
  type ContainerCreateBody,
  type DeviceRequestBody,
  type HostConfigBody,
  type NetworkLimitsBody,
  parseDeviceName,
  type ResourcesBody,
  type RestartPolicyBody,
} from '#specs';
import { errors } from '../errors.ts';
import type { FlagValues } from '../flags.ts';
import { parseDevice } from './devices.ts';
import { collectEnvironment, collectLabels, type Environment, toMap } from './environment.ts';
import type { ContainerFlags, limitFlags, networkLimitFlags } from './flags.ts';
import { healthcheckOf } from './health.ts';
import { distinctUlimits } from './limits.ts';
import { parseTmpfs, splitVolumes, withPathFromHere } from './mounts.ts';
import { networkingOf } from './networking.ts';
import { readSecurityOptions } from './security.ts';

export type { ContainerFlags } from './flags.ts';
import type { UserFiles } from '../user-files.ts';

export interface CreateRequest {
  readonly flags: ContainerFlags;
  /** Names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  readonly image: string;
  readonly command: readonly string[];
  readonly detach: boolean;
  readonly environment: Environment;
  readonly files: UserFiles;
  readonly workingDirectory: string;
  /** Rows and columns, for a container with a terminal. */
  readonly consoleSize?: readonly [number, number] | undefined;
}

/** Throws `cli.invalid` for flags that contradict each other and files that cannot be read. */
export function toCreateBody(request: CreateRequest): ContainerCreateBody {
  const { flags, given, image, command } = request;
  const streams = attachedStreams(request);
  const healthcheck = healthcheckOf(flags);
  const volumes = splitVolumes(flags.volume, request.workingDirectory);
  const { host: network, ...networking } = networkingOf(flags);
  return {
    Image: image,
    ...(command.length > 0 ? { Cmd: command } : {}),
    ...(given.has('entrypoint') ? { Entrypoint: [flags.entrypoint] } : {}),
    Hostname: flags.hostname,
    ...whenGiven(flags.domainname, (Domainname) => ({ Domainname })),
    User: flags.user,
    WorkingDir: flags.workdir,
    Env: collectEnvironment(flags['env-file'], flags.env, request),
    Labels: collectLabels(flags['label-file'], flags.label, request.files),
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && streams.stdin,
    AttachStdin: streams.stdin,
    AttachStdout: streams.stdout,
    AttachStderr: streams.stderr,
    ...(volumes.anonymous.length > 0
      ? { Volumes: Object.fromEntries(volumes.anonymous.map((path) => [path, {}])) }
      : {}),
    ...(healthcheck ? { Healthcheck: healthcheck } : {}),
    ...whenGiven(flags['stop-signal'], (StopSignal) => ({ StopSignal })),
    ...(flags['stop-timeout'] === undefined ? {} : { StopTimeout: flags['stop-timeout'] }),
    ...networking,
    HostConfig: { ...toHostConfig(request, volumes.binds), ...network, ...toLimits(flags), ...toNetworkLimits(flags) },
  };
}

export interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** compat: without `-a` and `-d` output is connected, and input when it is kept open. */
function attachedStreams({ flags, detach }: CreateRequest): Streams {
  if (detach) return { stdin: false, stdout: false, stderr: false };
  // compat: input that is kept open is always connected.
  const wanted = flags.interactive ? [...flags.attach, 'stdin'] : flags.attach;
  if (flags.attach.length === 0) return { stdin: flags.interactive, stdout: true, stderr: true };
  return { stdin: wanted.includes('stdin'), stdout: wanted.includes('stdout'), stderr: wanted.includes('stderr') };
}

function toHostConfig(
  { flags, given, files, consoleSize, workingDirectory }: CreateRequest,
  binds: readonly string[],
): HostConfigBody {
  checkNamespaces(flags);
  const devices = flags.device.filter((text) => parseDeviceName(text) === undefined);
  const security = readSecurityOptions(flags['security-opt'], files);
  if (flags.rm && (flags.restart?.Name ?? 'no') !== 'no' && flags.restart?.Name !== '') {
    throw errors.invalid('conflicting options: cannot specify both --restart and --rm');
  }
  return {
    AutoRemove: flags.rm,
    ...restartPolicy(flags),
    ...(consoleSize ? { ConsoleSize: consoleSize } : {}),
    ...listed('Binds', binds),
    ...listed(
      'Mounts',
      flags.mount.map((mount) => withPathFromHere(mount, workingDirectory)),
    ),
    ...listed('VolumesFrom', flags['volumes-from']),
    ...whenGiven(flags['volume-driver'], (VolumeDriver) => ({ VolumeDriver })),
    ...(flags.tmpfs.length > 0 ? { Tmpfs: parseTmpfs(flags.tmpfs) } : {}),
    ReadonlyRootfs: flags['read-only'],
    Privileged: flags.privileged,
    ...(given.has('init') ? { Init: flags.init } : {}),
    ...listed('CapAdd', capabilities(flags['cap-add'])),
    ...listed('CapDrop', capabilities(flags['cap-drop'])),
    ...listed('SecurityOpt', security.options),
    ...(security.showSystemPaths ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
    PidMode: flags.pid,
    IpcMode: flags.ipc,
    UTSMode: flags.uts,
    ...whenGiven(flags.userns, (UsernsMode) => ({ UsernsMode })),
    CgroupnsMode: flags.cgroupns,
    CgroupParent: flags['cgroup-parent'],
    ...whenGiven(flags.isolation, (Isolation) => ({ Isolation })),
    ...whenGiven(flags.runtime, (Runtime) => ({ Runtime })),
    ...listed('GroupAdd', flags['group-add']),
    ...listed('ExtraHosts', flags['add-host']),
    ...(flags.sysctl.length > 0 ? { Sysctls: toMap(flags.sysctl) } : {}),
    ...listed('Ulimits', distinctUlimits(flags.ulimit)),
    ...listed('Devices', devices.map(parseDevice)),
    ...listed('DeviceRequests', [...flags.gpus, ...namedDevices(flags.device)]),
    ...listed('BlkioWeightDevice', flags['blkio-weight-device']),
    ...(flags.annotation.length > 0 ? { Annotations: toMap(flags.annotation) } : {}),
    ...listed('DeviceCgroupRules', flags['device-cgroup-rule']),
    ...listed('BlkioDeviceReadBps', flags['device-read-bps']),
    ...listed('BlkioDeviceWriteBps', flags['device-write-bps']),
    ...listed('BlkioDeviceReadIOps', flags['device-read-iops']),
    ...listed('BlkioDeviceWriteIOps', flags['device-write-iops']),
    ...counted('OomScoreAdj', flags['oom-score-adj']),
    ...counted('MemorySwappiness', swappiness(flags['memory-swappiness'])),
    OomKillDisable: flags['oom-kill-disable'],
    ...storageOptions(flags['storage-opt']),
    ...counted('ShmSize', flags['shm-size']),
    LogConfig: logConfig(flags),
  };
}

/** compat: devices vendors have named are asked for in one request. */
function namedDevices(given: readonly string[]): DeviceRequestBody[] {
  const names = given.filter((text) => parseDeviceName(text) !== undefined);
  return names.length === 0 ? [] : [{ Driver: 'cdi', Count: 0, DeviceIDs: names, Capabilities: null, Options: null }];
}

/** The policy that was given. */
export function restartPolicy({ restart }: { restart?: RestartPolicyBody | undefined }): {
  RestartPolicy?: RestartPolicyBody;
} {
  return restart ? { RestartPolicy: restart } : {};
}

/** The limits that were given, for create and update. */
export function toLimits(flags: FlagValues<typeof limitFlags>): ResourcesBody {
  return {
    ...counted('BlkioWeight', flags['blkio-weight']),
    ...counted('CpuPeriod', flags['cpu-period']),
    ...counted('CpuQuota', flags['cpu-quota']),
    ...counted('CpuRealtimePeriod', flags['cpu-rt-period']),
    ...counted('CpuRealtimeRuntime', flags['cpu-rt-runtime']),
    ...counted('CpuShares', flags['cpu-shares']),
    ...counted('NanoCpus', flags.cpus),
    ...whenGiven(flags['cpuset-cpus'], (CpusetCpus) => ({ CpusetCpus })),
    ...whenGiven(flags['cpuset-mems'], (CpusetMems) => ({ CpusetMems })),
    ...counted('Memory', flags.memory),
    ...counted('MemoryReservation', flags['memory-reservation']),
    ...counted('MemorySwap', flags['memory-swap']),
    ...counted('PidsLimit', flags['pids-limit']),
  };
}

/** The limits of its networks that were given, for create and update. */
export function toNetworkLimits(flags: FlagValues<typeof networkLimitFlags>): { NetworkLimits?: NetworkLimitsBody } {
  const limits = {
    ...whenGiven(flags['network-rate-in'], (RateIn) => ({ RateIn })),
    ...whenGiven(flags['network-burst-in'], (BurstIn) => ({ BurstIn })),
    ...whenGiven(flags['network-rate-out'], (RateOut) => ({ RateOut })),
    ...whenGiven(flags['network-burst-out'], (BurstOut) => ({ BurstOut })),
  };
  return Object.keys(limits).length > 0 ? { NetworkLimits: limits } : {};
}

function logConfig(flags: ContainerFlags): NonNullable<HostConfigBody['LogConfig']> {
  const options = toMap(flags['log-opt']);
  if (flags['log-driver'] === 'none' && flags['log-opt'].length > 0) {
    throw errors.invalid('invalid logging opts for driver none');
  }
  return { Type: flags['log-driver'], Config: options };
}

/** compat: Docker sends names in capitals with their prefix; ALL is no capability. */
function capability(name: string): string {
  const upper = name.trim().toUpperCase();
  return upper === 'ALL' || upper === '' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
}

/** compat: each once and in order; ALL stands for any other. */
function capabilities(names: readonly string[]): string[] {
  const distinct = [...new Set(names.map(capability))].sort();
  return distinct.includes('ALL') ? ['ALL'] : distinct;
}

/** compat: modes nobody knows are mistakes of the command line's. Throws `cli.invalid`. */
function checkNamespaces({ pid, uts, userns, cgroupns }: ContainerFlags): void {
  if (!/^(?:host|container:.+)?$/.test(pid)) throw errors.invalid('--pid: invalid PID mode');
  if (!['', 'host'].includes(uts)) throw errors.invalid('--uts: invalid UTS mode');
  if (!['', 'host'].includes(userns)) throw errors.invalid('--userns: invalid USER mode');
  if (!['', 'host', 'private'].includes(cgroupns)) throw errors.invalid('--cgroupns: invalid CGROUP mode');
}

function swappiness(value: number | undefined): number | undefined {
  if (value !== undefined && (value < -1 || value > 100)) {
    throw errors.invalid(`invalid value: ${value}. Valid memory swappiness range is 0-100`);
  }
  return value;
}

const listed = <Key extends string, T>(key: Key, list: readonly T[]): { [K in Key]?: readonly T[] } =>
  (list.length > 0 ? { [key]: list } : {}) as { [K in Key]?: readonly T[] };

const counted = <Key extends string>(key: Key, number: number | undefined): { [K in Key]?: number } =>
  (number === undefined ? {} : { [key]: number }) as { [K in Key]?: number };

const whenGiven = <T>(text: string, make: (text: string) => T): T | object => (text === '' ? {} : make(text));

/** compat: `name=value` each. */
function storageOptions(options: readonly string[]): { StorageOpt?: Record<string, string> } {
  if (options.length === 0) return {};
  const pairs = options.map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at <= 0) throw errors.invalid(`invalid storage option '${text}': write it name=value`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  return { StorageOpt: Object.fromEntries(pairs) };
}
