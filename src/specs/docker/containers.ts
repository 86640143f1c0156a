/** The Docker Engine API's shapes for containers: what we read of requests and write in answers (docker-engine-api.yaml). */
import type { EndpointSettingsBody } from './networks.ts';

/** Body of POST /containers/create. Everything may be missing or null. */
export interface ContainerCreateBody extends ContainerConfigBody {
  readonly HostConfig?: HostConfigBody | null;
  readonly NetworkingConfig?: {
    readonly EndpointsConfig?: Readonly<Record<string, EndpointSettingsBody | null>> | null;
  } | null;
}

export interface ContainerConfigBody {
  readonly Hostname?: string | null;
  readonly Domainname?: string | null;
  readonly User?: string | null;
  readonly AttachStdin?: boolean | null;
  readonly AttachStdout?: boolean | null;
  readonly AttachStderr?: boolean | null;
  readonly ExposedPorts?: Readonly<Record<string, object>> | null;
  readonly Tty?: boolean | null;
  readonly OpenStdin?: boolean | null;
  readonly StdinOnce?: boolean | null;
  readonly Env?: readonly string[] | null;
  readonly Cmd?: readonly string[] | string | null;
  readonly Healthcheck?: HealthcheckBody | null;
  readonly Image?: string | null;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly WorkingDir?: string | null;
  readonly Entrypoint?: readonly string[] | string | null;
  readonly NetworkDisabled?: boolean | null;
  readonly MacAddress?: string | null;
  readonly OnBuild?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string | null;
  readonly StopTimeout?: number | null;
  readonly Shell?: readonly string[] | null;
}

/** Times in nanoseconds; zero is what the image says, and then the default. */
export interface HealthcheckBody {
  readonly Test?: readonly string[] | null;
  readonly Interval?: number | null;
  readonly Timeout?: number | null;
  readonly StartPeriod?: number | null;
  readonly StartInterval?: number | null;
  readonly Retries?: number | null;
}

export interface ThrottleDeviceBody {
  readonly Path: string;
  readonly Rate: number;
}

export interface WeightDeviceBody {
  readonly Path: string;
  readonly Weight: number;
}

/** Devices a driver knows by name; `Capabilities` is a list of alternatives, each of what is wanted together. */
export interface DeviceRequestBody {
  readonly Driver?: string | null;
  readonly Count?: number | null;
  readonly DeviceIDs?: readonly string[] | null;
  readonly Capabilities?: readonly (readonly string[] | null)[] | null;
  readonly Options?: Readonly<Record<string, string>> | null;
}

/** Limits: part of HostConfig, and of the body of POST /containers/{id}/update. */
export interface ResourcesBody {
  readonly CpuShares?: number | null;
  readonly Memory?: number | null;
  readonly NanoCpus?: number | null;
  readonly CgroupParent?: string | null;
  readonly BlkioWeight?: number | null;
  readonly BlkioWeightDevice?: readonly WeightDeviceBody[] | null;
  readonly BlkioDeviceReadBps?: readonly ThrottleDeviceBody[] | null;
  readonly BlkioDeviceWriteBps?: readonly ThrottleDeviceBody[] | null;
  readonly BlkioDeviceReadIOps?: readonly ThrottleDeviceBody[] | null;
  readonly BlkioDeviceWriteIOps?: readonly ThrottleDeviceBody[] | null;
  readonly CpuPeriod?: number | null;
  readonly CpuQuota?: number | null;
  readonly CpuRealtimePeriod?: number | null;
  readonly CpuRealtimeRuntime?: number | null;
  readonly CpusetCpus?: string | null;
  readonly CpusetMems?: string | null;
  readonly Devices?: readonly DeviceMappingBody[] | null;
  readonly DeviceCgroupRules?: readonly string[] | null;
  readonly DeviceRequests?: readonly DeviceRequestBody[] | null;
  readonly MemoryReservation?: number | null;
  readonly MemorySwap?: number | null;
  readonly MemorySwappiness?: number | null;
  readonly OomKillDisable?: boolean | null;
  readonly PidsLimit?: number | null;
  readonly Init?: boolean | null;
  /** Of Windows, these four. */
  readonly CpuCount?: number | null;
  readonly CpuPercent?: number | null;
  readonly IOMaximumIOps?: number | null;
  readonly IOMaximumBandwidth?: number | null;
  readonly Ulimits?: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[] | null;
}

export interface RestartPolicyBody {
  readonly Name?: string;
  readonly MaximumRetryCount?: number;
}

/** Not Docker's: what a container may receive and send; bits per second such as `10mbit`, bytes such as `64k`, or `none`. */
export interface NetworkLimitsBody {
  readonly RateIn?: string | null;
  readonly BurstIn?: string | null;
  readonly RateOut?: string | null;
  readonly BurstOut?: string | null;
}

/** Body of POST /containers/{id}/update. */
export interface UpdateBody extends ResourcesBody {
  readonly NetworkLimits?: NetworkLimitsBody | null;
  readonly RestartPolicy?: RestartPolicyBody | null;
}

export interface DeviceMappingBody {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
}

export interface MountBody {
  readonly Type?: string;
  readonly Source?: string;
  readonly Target?: string;
  readonly ReadOnly?: boolean;
  readonly Consistency?: string;
  /** Not Docker's: of a bind or a volume, `uids=DISK-CONTAINER-COUNT;gids=…`. */
  readonly IdMap?: string;
  readonly BindOptions?: {
    readonly Propagation?: string;
    readonly NonRecursive?: boolean;
    readonly CreateMountpoint?: boolean;
    readonly ReadOnlyNonRecursive?: boolean;
    readonly ReadOnlyForceRecursive?: boolean;
  } | null;
  readonly VolumeOptions?: {
    readonly NoCopy?: boolean;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly DriverConfig?: {
      readonly Name?: string;
      readonly Options?: Readonly<Record<string, string>> | null;
    } | null;
    readonly Subpath?: string;
  } | null;
  readonly ImageOptions?: { readonly Subpath?: string } | null;
  readonly TmpfsOptions?: {
    readonly SizeBytes?: number;
    readonly Mode?: number;
    readonly Options?: readonly (readonly string[])[];
  } | null;
}

export interface PortBindingBody {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

export interface HostConfigBody extends ResourcesBody {
  readonly NetworkLimits?: NetworkLimitsBody | null;
  readonly Binds?: readonly string[] | null;
  readonly LogConfig?: { readonly Type?: string; readonly Config?: Readonly<Record<string, string>> | null } | null;
  readonly NetworkMode?: string | null;
  readonly Links?: readonly string[] | null;
  readonly PortBindings?: Readonly<Record<string, readonly PortBindingBody[] | null>> | null;
  readonly PublishAllPorts?: boolean | null;
  readonly Dns?: readonly string[] | null;
  readonly DnsOptions?: readonly string[] | null;
  readonly DnsSearch?: readonly string[] | null;
  readonly RestartPolicy?: RestartPolicyBody | null;
  readonly AutoRemove?: boolean | null;
  readonly Mounts?: readonly MountBody[] | null;
  readonly VolumesFrom?: readonly string[] | null;
  readonly VolumeDriver?: string | null;
  readonly CapAdd?: readonly string[] | null;
  readonly CapDrop?: readonly string[] | null;
  readonly CgroupnsMode?: string | null;
  readonly ExtraHosts?: readonly string[] | null;
  readonly GroupAdd?: readonly string[] | null;
  readonly IpcMode?: string | null;
  readonly OomScoreAdj?: number | null;
  readonly PidMode?: string | null;
  readonly Privileged?: boolean | null;
  readonly ReadonlyRootfs?: boolean | null;
  readonly SecurityOpt?: readonly string[] | null;
  readonly Tmpfs?: Readonly<Record<string, string>> | null;
  readonly StorageOpt?: Readonly<Record<string, string>> | null;
  readonly UTSMode?: string | null;
  readonly ShmSize?: number | null;
  readonly Sysctls?: Readonly<Record<string, string>> | null;
  readonly Runtime?: string | null;
  readonly Annotations?: Readonly<Record<string, string>> | null;
  readonly UsernsMode?: string | null;
  readonly Cgroup?: string | null;
  readonly Isolation?: string | null;
  readonly MaskedPaths?: readonly string[] | null;
  readonly ReadonlyPaths?: readonly string[] | null;
  /** Rows and columns of the terminal at its start; zeros mean not given. */
  readonly ConsoleSize?: readonly number[] | null;
}

/** Answer of GET /containers/{id}/json. */
export interface ContainerInspect {
  readonly Id: string;
  readonly Created: string;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly State: ContainerStateJson;
  readonly Image: string;
  readonly ResolvConfPath: string;
  readonly HostnamePath: string;
  readonly HostsPath: string;
  readonly LogPath: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly Driver: string;
  readonly Platform: string;
  readonly MountLabel: string;
  readonly ProcessLabel: string;
  readonly AppArmorProfile: string;
  readonly ExecIDs: readonly string[] | null;
  readonly HostConfig: object;
  readonly GraphDriver: object;
  readonly Mounts: readonly MountPointJson[];
  readonly Config: object;
  readonly NetworkSettings: object;
}

export interface ContainerStateJson {
  readonly Status: string;
  readonly Running: boolean;
  readonly Paused: boolean;
  readonly Restarting: boolean;
  readonly OOMKilled: boolean;
  readonly Dead: boolean;
  readonly Pid: number;
  readonly ExitCode: number;
  readonly Error: string;
  readonly StartedAt: string;
  readonly FinishedAt: string;
  readonly Health?: HealthJson;
}

export interface HealthJson {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly {
    readonly Start: string;
    readonly End: string;
    readonly ExitCode: number;
    readonly Output: string;
  }[];
}

export interface MountPointJson {
  readonly Type: string;
  /** Of a volume, and of an image. */
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly Driver?: string;
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
}

/** One entry of GET /containers/json. */
export interface ContainerSummary {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: string;
  readonly Command: string;
  readonly Created: number;
  readonly Ports: readonly object[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: string;
  readonly Status: string;
  readonly HostConfig: { readonly NetworkMode: string; readonly Annotations?: Readonly<Record<string, string>> };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, object>> };
  readonly Mounts: readonly MountPointJson[];
  /** Since API 1.52; `none` where nothing is checked. */
  readonly Health?: { readonly Status: string; readonly FailingStreak: number };
  /** Where sizes were asked for. */
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
}

/** What we read of GET /containers/{id}/stats. */
export interface ContainerStats {
  readonly id: string;
  readonly name: string;
  readonly read: string;
  readonly pids_stats: { readonly current?: number };
  readonly cpu_stats: {
    readonly cpu_usage: { readonly total_usage: number };
    readonly system_cpu_usage?: number;
    readonly online_cpus?: number;
  };
  readonly memory_stats: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
  readonly blkio_stats: {
    readonly io_service_bytes_recursive: readonly { readonly op: string; readonly value: number }[] | null;
  };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
}

/** Body of POST /exec/{id}/start. */
export interface ExecStartBody {
  readonly Detach?: boolean | null;
  readonly Tty?: boolean | null;
  readonly ConsoleSize?: readonly number[] | null;
}

/** Body of POST /containers/{id}/exec. */
export interface ExecCreateBody {
  readonly AttachStdin?: boolean | null;
  readonly AttachStdout?: boolean | null;
  readonly AttachStderr?: boolean | null;
  readonly ConsoleSize?: readonly number[] | null;
  readonly DetachKeys?: string | null;
  readonly Tty?: boolean | null;
  readonly Env?: readonly string[] | null;
  readonly Cmd?: readonly string[] | string | null;
  readonly Privileged?: boolean | null;
  readonly User?: string | null;
  readonly WorkingDir?: string | null;
}
