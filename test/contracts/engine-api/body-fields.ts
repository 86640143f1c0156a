/**
 * What happens to each field of the bodies the description names: tables a test holds against the description, in both
 * directions, and against the daemon, field by field.
 */
import { operationOf, resolve, type Schema } from './description.ts';
import { fieldsOf } from './schema.ts';

export type Fate =
  /** Kept, and shown by inspect as it was given or as this. */
  | { readonly give: unknown; readonly shown?: unknown; readonly status?: undefined }
  /** Kept, and seen elsewhere: the file of the test that sees its effect. */
  | { readonly seenIn: string }
  /** Refused by its name. */
  | { readonly give: unknown; readonly status: 400 | 501 }
  /** Taken and of no effect, as with Docker on Linux, and why. */
  | { readonly give: unknown; readonly noEffect: string };

const loopback = [{ Path: '/dev/loop0', Rate: 1 }];
const unknownCdi = [{ Driver: 'cdi', Count: 0, DeviceIDs: ['x'], Capabilities: [['gpu']], Options: { a: 'b' } }];
const DISCARDED = 'Windows: discarded, with a warning';
const STAYS = 'fixed when the container is made: it stays, with a warning';

/** Of POST /containers/create, by path. */
export const createFields: Readonly<Record<string, Fate>> = {
  Hostname: { give: 'host' },
  Domainname: { give: 'example.test' },
  User: { give: '1000:50' },
  AttachStdin: { give: true },
  AttachStdout: { give: true },
  AttachStderr: { give: true },
  ExposedPorts: { give: { '80': {}, '90-91/udp': {} }, shown: { '80/tcp': {}, '90/udp': {}, '91/udp': {} } },
  Tty: { give: true },
  OpenStdin: { give: true },
  StdinOnce: { give: true },
  Env: { give: ['A=1', 'B='] },
  Cmd: { give: ['echo', 'hi'] },
  'Healthcheck.Test': { give: ['CMD', 'true'] },
  'Healthcheck.Interval': { give: 2_000_000_000 },
  'Healthcheck.Timeout': { give: 3_000_000_000 },
  'Healthcheck.Retries': { give: 4 },
  'Healthcheck.StartPeriod': { give: 5_000_000_000 },
  'Healthcheck.StartInterval': { give: 6_000_000_000 },
  ArgsEscaped: { give: true, noEffect: 'Windows' },
  Image: { seenIn: 'engine-api.test.ts' },
  Volumes: { give: { '/data': {} } },
  WorkingDir: { give: '/tmp' },
  Entrypoint: { give: ['sh', '-c'] },
  NetworkDisabled: { give: true },
  OnBuild: { give: ['RUN true'] },
  Labels: { give: { a: 'b' } },
  StopSignal: { give: 'SIGINT' },
  StopTimeout: { give: 7 },
  Shell: { give: ['/bin/sh', '-ec'] },
  'NetworkingConfig.EndpointsConfig': { seenIn: '../system/networks.test.ts' },
  'HostConfig.CpuShares': { give: 512 },
  'HostConfig.Memory': { give: 64 << 20 },
  'HostConfig.CgroupParent': { seenIn: '../system/limits.test.ts' },
  'HostConfig.BlkioWeight': { seenIn: '../../src/linux/cgroups/v1/settings.test.ts' },
  'HostConfig.BlkioWeightDevice': { seenIn: '../system/limits.test.ts' },
  'HostConfig.BlkioDeviceReadBps': { give: loopback },
  'HostConfig.BlkioDeviceWriteBps': { give: loopback },
  'HostConfig.BlkioDeviceReadIOps': { give: loopback },
  'HostConfig.BlkioDeviceWriteIOps': { give: loopback },
  'HostConfig.CpuPeriod': { give: 50_000 },
  'HostConfig.CpuQuota': { give: 20_000 },
  'HostConfig.CpuRealtimePeriod': { give: 1000 },
  'HostConfig.CpuRealtimeRuntime': { give: 1000 },
  'HostConfig.CpusetCpus': { give: '0' },
  'HostConfig.CpusetMems': { give: '0' },
  'HostConfig.Devices': { give: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nil', CgroupPermissions: 'r' }] },
  'HostConfig.DeviceCgroupRules': { give: ['c 1:3 r'] },
  'HostConfig.DeviceRequests': { give: unknownCdi },
  'HostConfig.MemoryReservation': { give: 32 << 20 },
  'HostConfig.MemorySwap': { give: -1 },
  'HostConfig.MemorySwappiness': { give: 10 },
  'HostConfig.NanoCpus': { give: 500_000_000 },
  'HostConfig.OomKillDisable': { give: true },
  'HostConfig.Init': { give: true },
  'HostConfig.PidsLimit': { give: 20 },
  'HostConfig.Ulimits': { give: [{ Name: 'nofile', Soft: 10, Hard: 20 }] },
  'HostConfig.CpuCount': { give: 1, noEffect: DISCARDED },
  'HostConfig.CpuPercent': { give: 1, noEffect: DISCARDED },
  'HostConfig.IOMaximumIOps': { give: 1, status: 400 },
  'HostConfig.IOMaximumBandwidth': { give: 1, status: 400 },
  'HostConfig.Binds': { give: ['/tmp:/host:ro'] },
  'HostConfig.ContainerIDFile': { give: '/tmp/id', noEffect: 'a note of the client, which writes that file itself' },
  'HostConfig.LogConfig.Type': { give: 'none' },
  'HostConfig.LogConfig.Config': { give: { 'max-size': '1m', 'max-file': '2' } },
  'HostConfig.NetworkMode': { give: 'host' },
  'HostConfig.PortBindings': { give: { '80/tcp': [{ HostIp: '', HostPort: '80' }] } },
  'HostConfig.RestartPolicy.Name': { give: 'always' },
  'HostConfig.RestartPolicy.MaximumRetryCount': { seenIn: '../system/restart-policies.test.ts' },
  'HostConfig.AutoRemove': { give: true },
  'HostConfig.VolumeDriver': { give: 'local' },
  'HostConfig.VolumesFrom': { seenIn: '../system/volumes.test.ts' },
  'HostConfig.Mounts': { seenIn: '../system/isolation.test.ts' },
  'HostConfig.ConsoleSize': { give: [24, 80] },
  'HostConfig.Annotations': { give: { a: 'b' } },
  'HostConfig.CapAdd': { give: ['NET_ADMIN'] },
  'HostConfig.CapDrop': { give: ['MKNOD'] },
  'HostConfig.CgroupnsMode': { give: 'private' },
  'HostConfig.Dns': { give: ['10.0.0.1'] },
  'HostConfig.DnsOptions': { give: ['ndots:1'] },
  'HostConfig.DnsSearch': { give: ['example.test'] },
  'HostConfig.ExtraHosts': { give: ['a:10.0.0.1'] },
  'HostConfig.GroupAdd': { give: ['50'] },
  'HostConfig.IpcMode': { give: 'none' },
  'HostConfig.Cgroup': { give: 'x', status: 400 },
  'HostConfig.Links': { seenIn: '../system/name-service.test.ts' },
  'HostConfig.OomScoreAdj': { give: 100 },
  'HostConfig.PidMode': { give: 'host' },
  'HostConfig.Privileged': { give: true },
  'HostConfig.PublishAllPorts': { give: true },
  'HostConfig.ReadonlyRootfs': { give: true },
  'HostConfig.SecurityOpt': { give: ['no-new-privileges'] },
  'HostConfig.StorageOpt': { seenIn: '../../src/images/snapshots/overlay-snapshots.test.ts' },
  'HostConfig.Tmpfs': { give: { '/run': 'size=1m' } },
  'HostConfig.UTSMode': { give: 'host' },
  'HostConfig.UsernsMode': { give: 'host' },
  'HostConfig.ShmSize': { give: 1 << 20 },
  'HostConfig.Sysctls': { give: { 'kernel.shmmax': '1000000' } },
  'HostConfig.Runtime': { give: 'runsc', status: 400 },
  'HostConfig.Isolation': { give: 'hyperv', status: 400 },
  'HostConfig.MaskedPaths': { give: ['/proc/keys'] },
  'HostConfig.ReadonlyPaths': { give: ['/proc/sys'] },
};

/** Of POST /containers/{id}/update; what is shown is a field of HostConfig. */
export const updateFields: Readonly<Record<string, Fate>> = {
  CpuShares: { give: 300 },
  Memory: { give: 64 << 20 },
  CgroupParent: { give: '/x', noEffect: STAYS },
  BlkioWeight: { seenIn: '../../src/linux/cgroups/v1/settings.test.ts' },
  BlkioWeightDevice: { seenIn: '../system/limits.test.ts' },
  BlkioDeviceReadBps: { give: loopback },
  BlkioDeviceWriteBps: { give: loopback },
  BlkioDeviceReadIOps: { give: loopback },
  BlkioDeviceWriteIOps: { give: loopback },
  CpuPeriod: { give: 50_000 },
  CpuQuota: { give: 20_000 },
  CpuRealtimePeriod: { give: 1000 },
  CpuRealtimeRuntime: { give: 1000 },
  CpusetCpus: { give: '0' },
  CpusetMems: { give: '0' },
  Devices: { give: [{ PathOnHost: '/dev/null' }], noEffect: STAYS },
  DeviceCgroupRules: { give: ['c 1:3 r'], noEffect: STAYS },
  DeviceRequests: { give: unknownCdi, noEffect: STAYS },
  MemoryReservation: { give: 32 << 20 },
  MemorySwap: { give: -1 },
  MemorySwappiness: { give: 10 },
  NanoCpus: { give: 500_000_000 },
  OomKillDisable: { give: true },
  Init: { give: true, noEffect: STAYS },
  PidsLimit: { give: 20 },
  Ulimits: { give: [{ Name: 'nofile', Soft: 10, Hard: 20 }], noEffect: STAYS },
  CpuCount: { give: 1, noEffect: DISCARDED },
  CpuPercent: { give: 1, noEffect: DISCARDED },
  IOMaximumIOps: { give: 1, status: 400 },
  IOMaximumBandwidth: { give: 1, status: 400 },
  'RestartPolicy.Name': { give: 'unless-stopped' },
  'RestartPolicy.MaximumRetryCount': { seenIn: '../system/restart-policies.test.ts' },
};

/** Fields that make only sense with others. */
export const companions: Readonly<Record<string, object>> = {
  'HostConfig.CpuQuota': { CpuPeriod: 50_000 },
  'HostConfig.MemorySwap': { Memory: 64 << 20 },
  'HostConfig.OomKillDisable': { Memory: 64 << 20 },
  MemorySwap: { Memory: 64 << 20 },
};

/** Paths of a body's fields; those of objects with described fields stand for the object, those of a list for the list. */
export function bodyPaths(operationId: string): string[] {
  const body = operationOf(operationId).parameters.find((parameter) => parameter.in === 'body');
  if (!body?.schema) throw new Error(`${operationId} has no body`);
  return pathsOf(body.schema, '');
}

function pathsOf(schema: Schema, at: string): string[] {
  const whole = schema.$ref === undefined ? schema : resolve(schema.$ref).schema;
  const fields = fieldsOf(whole, '');
  if (fields.size === 0) return [at];
  return [...fields].flatMap(([key, field]) => pathsOf(field.schema, at === '' ? key : `${at}.${key}`));
}

/** `{ HostConfig: { Memory: 1 } }` for `HostConfig.Memory`. */
export function bodyWith(path: string, value: unknown): object {
  return path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;
}

export function valueAt(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null)?.[key], object);
}
