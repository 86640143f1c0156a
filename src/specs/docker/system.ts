/** The Docker Engine API's shapes for the daemon itself: version, info, events (docker-engine-api.yaml). */

/** Answer of GET /version. */
export interface SystemVersion {
  readonly Platform?: { readonly Name: string };
  readonly Version: string;
  readonly ApiVersion: string;
  readonly MinAPIVersion: string;
  readonly Os: string;
  readonly Arch: string;
  readonly KernelVersion: string;
  readonly Experimental?: boolean;
  readonly BuildTime?: string;
  readonly GitCommit?: string;
  readonly Components?: readonly {
    readonly Name: string;
    readonly Version: string;
    readonly Details?: Readonly<Record<string, string>>;
  }[];
}

/** Answer of GET /info: what is read of it; there is much more. */
export interface SystemInfo {
  readonly ID: string;
  readonly Containers: number;
  readonly ContainersRunning: number;
  readonly ContainersPaused: number;
  readonly ContainersStopped: number;
  readonly Images: number;
  readonly ServerVersion: string;
  readonly Driver: string;
  readonly LoggingDriver: string;
  readonly CgroupDriver: string;
  readonly CgroupVersion: string;
  readonly Plugins?: {
    readonly Volume?: readonly string[];
    readonly Network?: readonly string[];
    readonly Log?: readonly string[];
  };
  readonly Runtimes?: Readonly<Record<string, object>>;
  readonly DefaultRuntime: string;
  readonly InitBinary: string;
  readonly SecurityOptions?: readonly string[] | null;
  readonly KernelVersion: string;
  readonly OperatingSystem: string;
  readonly OSType: string;
  readonly Architecture: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly Name: string;
  readonly DockerRootDir: string;
  readonly LiveRestoreEnabled: boolean;
  readonly Warnings?: readonly string[] | null;
}

/** One line of GET /events. */
export interface EventMessage {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | null };
  /** The first three are of old API versions, for containers and images only. */
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
  readonly scope?: string;
  /** Unix seconds. */
  readonly time: number;
  readonly timeNano: bigint | number;
}
