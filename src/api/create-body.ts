/**
 * Docker's create body → container settings. What this version cannot honour is refused, not ignored.
 *
 * compat: forms, defaults and refusals follow docker-engine-api.yaml and the container defaults.
 */
import { parseBytes } from '#base';
import {
  type ContainerDefaults,
  type ContainerSettings,
  type DeviceRequest,
  type HostSettings,
  parseRestartPolicy,
} from '#engine';
import type { ContainerCreateBody, DeviceRequestBody, HealthcheckBody, HostConfigBody } from '#specs';
import { parseMountSettings, parseTmpfs } from './create-mounts.ts';
import { checkHost, parseNetworking } from './create-networking.ts';
import { parseResources, refuseKernelMemory } from './create-resources.ts';
import { errors } from './errors.ts';
import { isGiven } from './given.ts';
import { parseLogConfig } from './log-config.ts';

/** What the body does not say is as the operator's `defaults` have it. Fields the client's version has not are not there. */
export function parseCreateBody(
  body: ContainerCreateBody,
  minorVersion: number,
  defaults: ContainerDefaults,
): ContainerSettings {
  refuseUnsupported(body);
  return {
    image: body.Image ?? '',
    hostname: body.Hostname ?? '',
    domainname: body.Domainname ?? '',
    user: body.User ?? '',
    env: (body.Env ?? []).map(checkVariable),
    command: words(body.Cmd),
    ...(body.Entrypoint === undefined || body.Entrypoint === null ? {} : { entrypoint: entrypoint(body.Entrypoint) }),
    workingDirectory: body.WorkingDir ?? '',
    labels: body.Labels ?? {},
    tty: body.Tty ?? false,
    openStdin: body.OpenStdin ?? false,
    stdinOnce: body.StdinOnce ?? false,
    attach: {
      stdin: body.AttachStdin ?? false,
      stdout: body.AttachStdout ?? false,
      stderr: body.AttachStderr ?? false,
    },
    ...(body.StopSignal ? { stopSignal: body.StopSignal } : {}),
    ...(typeof body.StopTimeout === 'number' ? { stopTimeoutSeconds: body.StopTimeout } : {}),
    ...healthcheck(body.Healthcheck),
    ...forImages(body),
    ...(body.NetworkDisabled ? { networkDisabled: true } : {}),
    ...(isGiven(body.Volumes) ? { volumes: Object.keys(body.Volumes ?? {}) } : {}),
    host: parseHostConfig(forVersion(body.HostConfig ?? {}, minorVersion), defaults),
    networking: parseNetworking(body),
  };
}

/** `NAME=VALUE`, or `NAME` for one that is taken away. */
function checkVariable(text: string): string {
  if (text === '' || text.startsWith('=')) throw errors.invalid(`invalid environment variable: ${text}`);
  return text;
}

function shmSize(bytes: number): number {
  if (bytes < 0) throw errors.invalid('SHM size can not be less than 0');
  return bytes;
}

/** What a container only keeps: for the image it may become. */
function forImages(body: ContainerCreateBody): Pick<ContainerSettings, 'onBuild' | 'shell'> {
  return {
    ...(body.OnBuild?.length ? { onBuild: body.OnBuild } : {}),
    ...(body.Shell?.length ? { shell: body.Shell } : {}),
  };
}

function healthcheck(body: HealthcheckBody | null | undefined): Pick<ContainerSettings, 'healthcheck'> {
  if (!body) return {};
  return {
    healthcheck: {
      test: body.Test ?? [],
      interval: body.Interval ?? 0,
      timeout: body.Timeout ?? 0,
      startPeriod: body.StartPeriod ?? 0,
      startInterval: body.StartInterval ?? 0,
      retries: body.Retries ?? 0,
    },
  };
}

const words = (value: readonly string[] | string | null | undefined): readonly string[] =>
  typeof value === 'string' ? [value] : (value ?? []);

/** compat: `--entrypoint ""` is sent as `[""]` and means none. */
function entrypoint(value: readonly string[] | string): readonly string[] {
  const list = words(value);
  return list.length === 1 && list[0] === '' ? [] : list;
}

/** compat: fields of newer versions are not there for a client that speaks an older one. */
function forVersion(host: HostConfigBody, minor: number): HostConfigBody {
  return {
    ...host,
    ...(minor < 25 ? { AutoRemove: false } : {}),
    ...(minor < 42 ? { ConsoleSize: null } : {}),
    ...(minor < 43 ? { Annotations: null } : {}),
  };
}

function parseHostConfig(host: HostConfigBody, defaults: ContainerDefaults): HostSettings {
  return {
    mounts: parseMountSettings(host),
    ...(host.VolumesFrom?.length ? { volumesFrom: host.VolumesFrom } : {}),
    ...(host.VolumeDriver ? { volumeDriver: host.VolumeDriver } : {}),
    tmpfs: parseTmpfs(host.Tmpfs ?? {}),
    readonlyRootfs: host.ReadonlyRootfs ?? false,
    capAdd: host.CapAdd ?? [],
    capDrop: host.CapDrop ?? [],
    privileged: host.Privileged ?? false,
    securityOptions: securityOptions(host.SecurityOpt ?? [], defaults),
    networkMode: host.NetworkMode ?? '',
    pidMode: ofContainer(host.PidMode) ?? oneOf('PID mode', host.PidMode ?? '', ['', 'host']),
    ipcMode: ofContainer(host.IpcMode) ?? oneOf('IPC mode', host.IpcMode || defaults.ipcMode, ipcModes),
    utsMode: oneOf('UTS mode', host.UTSMode ?? '', ['', 'host']),
    cgroupnsMode: oneOf('cgroup namespace mode', host.CgroupnsMode || defaults.cgroupnsMode, ['private', 'host']),
    ...(oneOf('user namespace mode', host.UsernsMode ?? '', ['', 'host']) === 'host' ? { usernsMode: 'host' } : {}),
    runtime: host.Runtime ?? '',
    autoRemove: host.AutoRemove ?? false,
    restart: parseRestartPolicy(host.RestartPolicy?.Name ?? '', host.RestartPolicy?.MaximumRetryCount ?? 0),
    init: host.Init ?? defaults.init,
    ...(defaults.initPath === undefined ? {} : { initPath: defaults.initPath }),
    groupAdd: host.GroupAdd ?? [],
    sysctls: host.Sysctls ?? {},
    ulimits: ulimits(host, defaults),
    devices: (host.Devices ?? []).map((device) => ({
      pathOnHost: device.PathOnHost,
      pathInContainer: device.PathInContainer || device.PathOnHost,
      permissions: device.CgroupPermissions || 'rwm',
    })),
    deviceCgroupRules: host.DeviceCgroupRules ?? [],
    ...(host.DeviceRequests?.length ? { deviceRequests: host.DeviceRequests.map(deviceRequest) } : {}),
    ...annotations(host.Annotations ?? {}),
    oomScoreAdj: host.OomScoreAdj ?? 0,
    shmSizeBytes: shmSize(host.ShmSize ?? 0) || defaults.shmSizeBytes,
    ...storageOptions(host.StorageOpt ?? {}, defaults),
    extraHosts: (host.ExtraHosts ?? []).map(checkHost),
    cgroupParent: host.CgroupParent ?? '',
    log: parseLogConfig(host.LogConfig?.Type ?? '', host.LogConfig?.Config ?? {}, defaults.log),
    resources: parseResources(host),
    ...(host.MaskedPaths ? { maskedPaths: host.MaskedPaths } : {}),
    ...(host.ReadonlyPaths ? { readonlyPaths: host.ReadonlyPaths } : {}),
    ...consoleSize(host.ConsoleSize ?? []),
  };
}

function annotations(given: Readonly<Record<string, string>>): Pick<HostSettings, 'annotations'> {
  if ('' in given) {
    throw errors.invalid('invalid Annotations: the empty string is not permitted as an annotation key');
  }
  return Object.keys(given).length > 0 ? { annotations: given } : {};
}

const deviceRequest = (request: DeviceRequestBody): DeviceRequest => ({
  driver: request.Driver ?? '',
  count: request.Count ?? 0,
  deviceIds: request.DeviceIDs ?? [],
  capabilities: (request.Capabilities ?? []).map((each) => each ?? []),
  options: request.Options ?? null,
});

/** compat: the one option there is, of what the container may write (`--storage-opt size=10G`). */
function storageOptions(
  options: Readonly<Record<string, string>>,
  { storageBytes }: ContainerDefaults,
): Pick<HostSettings, 'storageBytes'> {
  const unknown = Object.keys(options).find((name) => name.toLowerCase() !== 'size');
  if (unknown !== undefined) throw errors.invalid(`unknown storage option '${unknown}': there is only size`);
  const [size] = Object.values(options);
  if (size !== undefined) return { storageBytes: parseBytes(size) };
  return storageBytes === undefined ? {} : { storageBytes };
}

/** compat: limits of the daemon's for the names the container has none for. */
function ulimits(host: HostConfigBody, defaults: ContainerDefaults): HostSettings['ulimits'] {
  const own = (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({ name: Name, soft: Soft, hard: Hard }));
  return [...own, ...defaults.ulimits.filter((limit) => !own.some(({ name }) => name === limit.name))];
}

function securityOptions(given: readonly string[], { noNewPrivileges }: ContainerDefaults): readonly string[] {
  const says = given.some((option) => option.startsWith('no-new-privileges'));
  return noNewPrivileges && !says ? [...given, 'no-new-privileges=true'] : given;
}

/** compat: clients send zeros when they have no terminal themselves. */
function consoleSize([rows = 0, columns = 0]: readonly number[]): Pick<HostSettings, 'consoleSize'> {
  return rows > 0 && columns > 0 ? { consoleSize: { rows, columns } } : {};
}

const ipcModes = ['private', 'none', 'host', 'shareable'] as const;

/** compat: the words are Docker's. */
function oneOf<const Choice extends string>(what: string, value: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw errors.invalid(`invalid ${what}: ${value}`);
  return found;
}

/** A namespace of another container's: `container:NAME`. */
function ofContainer(mode: string | null | undefined): `container:${string}` | undefined {
  const [, name = ''] = /^container:(.+)$/.exec(mode ?? '') ?? [];
  return name === '' ? undefined : `container:${name}`;
}

/** A field with a value that would need what is not there. Empty and default values are what clients always send. */
function refuseUnsupported({ HostConfig: host }: ContainerCreateBody): void {
  refuseKernelMemory({ ...host });
  const isolation = host?.Isolation ?? '';
  if (isolation !== '' && isolation.toLowerCase() !== 'default') {
    throw errors.invalid(`invalid isolation '${isolation}' on linux`);
  }
  if (isGiven(host?.Cgroup)) throw errors.invalid(`invalid cgroup spec: ${host!.Cgroup}: use CgroupParent`);
}
