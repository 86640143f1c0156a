/** The shapes of the bodies we read. compat: docker-engine-api.yaml. */
import type { Fields } from './body-shape.ts';

const throttle = { each: { Path: 'text', Rate: 'integer' } } as const;

const resources = {
  CpuShares: 'integer',
  Memory: 'integer',
  CgroupParent: 'text',
  BlkioWeight: 'integer',
  BlkioWeightDevice: { each: { Path: 'text', Weight: 'integer' } },
  BlkioDeviceReadBps: throttle,
  BlkioDeviceWriteBps: throttle,
  BlkioDeviceReadIOps: throttle,
  BlkioDeviceWriteIOps: throttle,
  CpuPeriod: 'integer',
  CpuQuota: 'integer',
  CpuRealtimePeriod: 'integer',
  CpuRealtimeRuntime: 'integer',
  CpusetCpus: 'text',
  CpusetMems: 'text',
  Devices: { each: { PathOnHost: 'text', PathInContainer: 'text', CgroupPermissions: 'text' } },
  DeviceCgroupRules: 'texts',
  DeviceRequests: {
    each: { Driver: 'text', Count: 'integer', DeviceIDs: 'texts', Capabilities: 'lists', Options: 'map' },
  },
  MemoryReservation: 'integer',
  MemorySwap: 'integer',
  MemorySwappiness: 'integer',
  NanoCpus: 'integer',
  OomKillDisable: 'flag',
  Init: 'flag',
  PidsLimit: 'integer',
  Ulimits: { each: { Name: 'text', Soft: 'integer', Hard: 'integer' } },
  CpuCount: 'integer',
  CpuPercent: 'integer',
  IOMaximumIOps: 'integer',
  IOMaximumBandwidth: 'integer',
  KernelMemory: 'integer',
  KernelMemoryTCP: 'integer',
} as const satisfies Fields;

/** Not Docker's. */
const networkLimits = {
  RateIn: 'text',
  BurstIn: 'text',
  RateOut: 'text',
  BurstOut: 'text',
} as const satisfies Fields;

const restartPolicy = { Name: 'text', MaximumRetryCount: 'integer' } as const satisfies Fields;

const mount = {
  Target: 'text',
  Source: 'text',
  Type: 'text',
  ReadOnly: 'flag',
  Consistency: 'text',
  // Not Docker's.
  IdMap: 'text',
  BindOptions: {
    Propagation: 'text',
    NonRecursive: 'flag',
    CreateMountpoint: 'flag',
    ReadOnlyNonRecursive: 'flag',
    ReadOnlyForceRecursive: 'flag',
  },
  VolumeOptions: {
    NoCopy: 'flag',
    Labels: 'map',
    DriverConfig: { Name: 'text', Options: 'map' },
    Subpath: 'text',
  },
  ImageOptions: { Subpath: 'text' },
  TmpfsOptions: { SizeBytes: 'integer', Mode: 'integer', Options: 'lists' },
} as const satisfies Fields;

const hostConfig = {
  ...resources,
  Binds: 'texts',
  ContainerIDFile: 'text',
  LogConfig: { Type: 'text', Config: 'map' },
  NetworkMode: 'text',
  PortBindings: { values: { each: { HostIp: 'text', HostPort: 'text' } } },
  RestartPolicy: restartPolicy,
  AutoRemove: 'flag',
  VolumeDriver: 'text',
  VolumesFrom: 'texts',
  Mounts: { each: mount },
  ConsoleSize: 'sizes',
  Annotations: 'map',
  CapAdd: 'command',
  CapDrop: 'command',
  CgroupnsMode: 'text',
  Dns: 'texts',
  DnsOptions: 'texts',
  DnsSearch: 'texts',
  ExtraHosts: 'texts',
  GroupAdd: 'texts',
  IpcMode: 'text',
  Cgroup: 'text',
  Links: 'texts',
  OomScoreAdj: 'integer',
  PidMode: 'text',
  Privileged: 'flag',
  PublishAllPorts: 'flag',
  ReadonlyRootfs: 'flag',
  SecurityOpt: 'texts',
  StorageOpt: 'map',
  Tmpfs: 'map',
  UTSMode: 'text',
  UsernsMode: 'text',
  ShmSize: 'integer',
  Sysctls: 'map',
  Runtime: 'text',
  Isolation: 'text',
  MaskedPaths: 'texts',
  ReadonlyPaths: 'texts',
  NetworkLimits: networkLimits,
} as const satisfies Fields;

export const containerConfig = {
  Hostname: 'text',
  Domainname: 'text',
  User: 'text',
  AttachStdin: 'flag',
  AttachStdout: 'flag',
  AttachStderr: 'flag',
  ExposedPorts: 'set',
  Tty: 'flag',
  OpenStdin: 'flag',
  StdinOnce: 'flag',
  Env: 'texts',
  Cmd: 'command',
  Healthcheck: {
    Test: 'texts',
    Interval: 'integer',
    Timeout: 'integer',
    Retries: 'integer',
    StartPeriod: 'integer',
    StartInterval: 'integer',
  },
  ArgsEscaped: 'flag',
  Image: 'text',
  Volumes: 'set',
  WorkingDir: 'text',
  Entrypoint: 'command',
  NetworkDisabled: 'flag',
  MacAddress: 'text',
  OnBuild: 'texts',
  Labels: 'map',
  StopSignal: 'text',
  StopTimeout: 'integer',
  Shell: 'texts',
} as const satisfies Fields;

const endpoint = {
  IPAMConfig: { IPv4Address: 'text', IPv6Address: 'text', LinkLocalIPs: 'texts' },
  Links: 'texts',
  Aliases: 'texts',
  MacAddress: 'text',
  DriverOpts: 'map',
  GwPriority: 'integer',
} as const satisfies Fields;

export const createBody = {
  ...containerConfig,
  HostConfig: hostConfig,
  NetworkingConfig: { EndpointsConfig: { values: endpoint } },
} as const satisfies Fields;

export const networkBody = {
  Name: 'text',
  Driver: 'text',
  Scope: 'text',
  Internal: 'flag',
  Attachable: 'flag',
  Ingress: 'flag',
  ConfigOnly: 'flag',
  ConfigFrom: { Network: 'text' },
  EnableIPv4: 'flag',
  EnableIPv6: 'flag',
  IPAM: {
    Driver: 'text',
    Config: { each: { Subnet: 'text', IPRange: 'text', Gateway: 'text', AuxiliaryAddresses: 'map' } },
    Options: 'map',
  },
  Options: 'map',
  Labels: 'map',
} as const satisfies Fields;

export const connectBody = { Container: 'text', EndpointConfig: endpoint } as const satisfies Fields;

export const disconnectBody = { Container: 'text', Force: 'flag' } as const satisfies Fields;

export const volumeBody = {
  Name: 'text',
  Driver: 'text',
  DriverOpts: 'map',
  Labels: 'map',
} as const satisfies Fields;

/** Not Docker's. */
export const volumeCopyBody = { Name: 'text', Labels: 'map', Pause: 'flag' } as const satisfies Fields;

export const volumeRenameBody = { Name: 'text' } as const satisfies Fields;

export const updateBody = {
  ...resources,
  RestartPolicy: restartPolicy,
  NetworkLimits: networkLimits,
} as const satisfies Fields;

export const execBody = {
  AttachStdin: 'flag',
  AttachStdout: 'flag',
  AttachStderr: 'flag',
  ConsoleSize: 'sizes',
  DetachKeys: 'text',
  Tty: 'flag',
  Env: 'texts',
  Cmd: 'command',
  Privileged: 'flag',
  User: 'text',
  WorkingDir: 'text',
} as const satisfies Fields;

export const execStartBody = { Detach: 'flag', Tty: 'flag', ConsoleSize: 'sizes' } as const satisfies Fields;
