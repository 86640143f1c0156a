/** What was asked of a container, in our own words. Docker's shape of it is known by `specs/docker` and ./inspect.ts. */
import type { EndpointWish } from '#network';
import type { Healthcheck } from '#specs';
import type { MountSetting, OldBindSetting } from './mounts/mount-setting.ts';
import type { RestartPolicy } from './restart-policy.ts';

export interface ContainerSettings {
  /** As the user named it. */
  readonly image: string;
  readonly hostname: string;
  readonly domainname: string;
  readonly user: string;
  readonly env: readonly string[];
  /** Empty: what the image says. */
  readonly command: readonly string[];
  /** Undefined: what the image says; empty: none. */
  readonly entrypoint?: readonly string[];
  readonly workingDirectory: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly stopSignal?: string;
  readonly stopTimeoutSeconds?: number;
  /** What it does not say is the image's. */
  readonly healthcheck?: Healthcheck;
  /** Kept for the image it may become. */
  readonly onBuild?: readonly string[];
  /** For CMD-SHELL; undefined: what the image says. */
  readonly shell?: readonly string[];
  /** It has no network at all, whatever its mode says. */
  readonly networkDisabled?: true;
  /** Folders that are to be volumes, besides the image's. */
  readonly volumes?: readonly string[];
  readonly host: HostSettings;
  /** Missing in records of versions without networks. */
  readonly networking?: NetworkingSettings;
}

export interface NetworkingSettings {
  /** Network, as the user named it, → what is asked of it. */
  readonly endpoints: Readonly<Record<string, EndpointWish>>;
  /** Such as `80/tcp`, besides the image's. */
  readonly exposedPorts: readonly string[];
  /** `80/tcp` → where it is published; an empty host port is any, `8000-8010` one of them. */
  readonly portBindings: Readonly<Record<string, readonly PortBinding[]>>;
  readonly publishAll: boolean;
  /** Of the interface on the network of `networkMode`; empty: derived from its address. */
  readonly mac: string;
  /** Name servers; none: the host's. */
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  /** `ID:ALIAS` of containers on the default network; as the user named them until the container is made. */
  readonly links?: readonly string[];
  /** What it may receive and send, of each of its networks: options of endpoints by name. */
  readonly limits?: Readonly<Record<string, string>>;
}

export interface PortBinding {
  readonly hostIp: string;
  readonly hostPort: string;
}

const noNetworking: NetworkingSettings = {
  endpoints: {},
  exposedPorts: [],
  portBindings: {},
  publishAll: false,
  mac: '',
  dns: [],
  dnsOptions: [],
  dnsSearch: [],
};

export function networkingOf({ networking }: Pick<ContainerSettings, 'networking'>): NetworkingSettings {
  return networking ?? noNetworking;
}

/** The mode that counts: of a container without any network it is as if `none` had been asked for. */
export function networkModeOf({ networkDisabled, host }: Pick<ContainerSettings, 'networkDisabled' | 'host'>): string {
  return networkDisabled ? 'none' : host.networkMode;
}

export interface HostSettings {
  /** Those of `-v`, then those of `--mount`, in the order given. */
  readonly mounts?: readonly MountSetting[];
  /** In records of versions without volumes, instead of `mounts`. */
  readonly binds?: readonly OldBindSetting[];
  /** Containers whose mounts it has too, with `:ro` or not. */
  readonly volumesFrom?: readonly string[];
  /** Of `-v` with a name; empty: local. */
  readonly volumeDriver?: string;
  /** Destination → options. */
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly readonlyRootfs: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly privileged: boolean;
  readonly securityOptions: readonly string[];
  /** `none`, `host`, `container:ID`, or the network of its first interface; empty: the daemon's default. */
  readonly networkMode: string;
  /** `container:ID` is that of another one's. */
  readonly pidMode: '' | 'host' | `container:${string}`;
  readonly ipcMode: 'private' | 'none' | 'host' | 'shareable' | `container:${string}`;
  readonly utsMode: '' | 'host';
  readonly cgroupnsMode: 'private' | 'host';
  /** Users are the host's in any case; `host` was asked for by name. */
  readonly usernsMode?: 'host';
  /** Empty, while it is being made, is the daemon's default; missing in records of versions with one runtime. */
  readonly runtime?: string;
  readonly autoRemove: boolean;
  /** Undefined: it stays down when it has ended. */
  readonly restart?: RestartPolicy;
  readonly init: boolean;
  /** A program of the operator's for `init`; undefined: our own. */
  readonly initPath?: string;
  readonly groupAdd: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly devices: readonly DeviceSetting[];
  readonly deviceCgroupRules: readonly string[];
  /** Devices by the names a driver gives them. */
  readonly deviceRequests?: readonly DeviceRequest[];
  /** For whoever reads the OCI config: runtimes, hooks. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly oomScoreAdj: number;
  readonly shmSizeBytes: number;
  /** Of what it may write into its root file system; undefined: as much as the disk holds. */
  readonly storageBytes?: number;
  readonly extraHosts: readonly string[];
  readonly cgroupParent: string;
  readonly log: LogSettings;
  readonly resources: ResourceSettings;
  /** Undefined: Docker's defaults. */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Of the terminal at its start. */
  readonly consoleSize?: { readonly rows: number; readonly columns: number };
}

export interface DeviceSetting {
  readonly pathOnHost: string;
  readonly pathInContainer: string;
  readonly permissions: string;
}

export interface DeviceRequest {
  readonly driver: string;
  /** -1 is all there are. */
  readonly count: number;
  readonly deviceIds: readonly string[];
  /** Alternatives, each of what is wanted together. */
  readonly capabilities: readonly (readonly string[])[];
  readonly options: Readonly<Record<string, string>> | null;
}

export interface LogSettings {
  readonly driver: 'json-file' | 'local' | 'none' | 'syslog' | 'journald' | 'fluentd' | 'gelf';
  readonly maxSizeBytes: number;
  readonly maxFiles: number;
  /** Old files are compressed. */
  readonly isCompressed?: boolean;
  /** As given; json-file's completed by defaults. For inspect, and for the driver. */
  readonly options: Readonly<Record<string, string>>;
}

/** Bytes, microseconds, counts; 0 is "not limited". */
export interface ResourceSettings {
  readonly memoryBytes: number;
  /** Memory and swap together; -1 unlimited swap, 0 twice the memory. */
  readonly memorySwapBytes: number;
  readonly memoryReservationBytes: number;
  readonly memorySwappiness?: number;
  readonly oomKillDisable: boolean;
  readonly nanoCpus: number;
  readonly cpuShares: number;
  readonly cpuPeriodUs: number;
  readonly cpuQuotaUs: number;
  /** Of a real-time scheduler, per period; missing like the other's: not set. */
  readonly realtimePeriodUs?: number;
  readonly realtimeRuntimeUs?: number;
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  readonly pidsLimit: number;
  readonly blkioWeight: number;
  /** Missing where there are none. */
  readonly deviceWeights?: readonly DeviceWeight[];
  readonly deviceReadBps: readonly DeviceRate[];
  readonly deviceWriteBps: readonly DeviceRate[];
  readonly deviceReadIops: readonly DeviceRate[];
  readonly deviceWriteIops: readonly DeviceRate[];
}

export interface DeviceWeight {
  readonly path: string;
  /** 10 … 1000. */
  readonly weight: number;
}

export interface DeviceRate {
  readonly path: string;
  readonly rate: number;
}
