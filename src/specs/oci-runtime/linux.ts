/**
 * OCI runtime-spec 1.3, `linux`: namespaces, devices and the kernel features that are not limits
 * (those are in ./resources.ts) and not filters (those are in ./seccomp.ts). Source: config-linux.md.
 */
import type { Resources } from './resources.ts';
import type { Seccomp } from './seccomp.ts';

/** config-linux.md. */
export interface LinuxConfig {
  readonly namespaces?: readonly Namespace[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  readonly timeOffsets?: { readonly boottime?: TimeOffset; readonly monotonic?: TimeOffset };
  readonly devices?: readonly Device[];
  /** Host network interface name → how it is called inside; it is moved into the container's namespace. */
  readonly netDevices?: Readonly<Record<string, NetDevice>>;
  /** Absolute from the hierarchy's root, otherwise relative to the runtime's own cgroup. */
  readonly cgroupsPath?: string;
  readonly resources?: Resources;
  readonly rootfsPropagation?: RootfsPropagation;
  readonly seccomp?: Seccomp;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
  readonly intelRdt?: IntelRdt;
  readonly memoryPolicy?: MemoryPolicy;
  readonly personality?: Personality;
}

/** Without a path the namespace is new; with one it is joined. */
export interface Namespace {
  readonly type: NamespaceType;
  readonly path?: string;
}

export type NamespaceType = 'mount' | 'pid' | 'network' | 'uts' | 'ipc' | 'user' | 'cgroup' | 'time';

/** One line of uid_map or gid_map (user_namespaces(7)). */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** time_namespaces(7). */
export interface TimeOffset {
  readonly secs?: number;
  readonly nanosecs?: number;
}

/** A device node made inside the container: character, block, unbuffered character or fifo. */
export interface Device {
  readonly type: 'c' | 'b' | 'u' | 'p';
  readonly path: string;
  readonly major?: number;
  readonly minor?: number;
  /** Permission bits, as a plain (decimal in JSON) number. */
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** The name an interface gets inside; without one it keeps its own. */
export interface NetDevice {
  readonly name?: string;
}

export type RootfsPropagation = 'private' | 'shared' | 'slave' | 'unbindable';

/** resctrl (Documentation/filesystems/resctrl.rst). */
export interface IntelRdt {
  readonly closID?: string;
  readonly schemata?: readonly string[];
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly enableMonitoring?: boolean;
}

/** set_mempolicy(2); `nodes` is a list such as `0-3,7`. */
export interface MemoryPolicy {
  readonly mode?: MemoryPolicyMode;
  readonly nodes?: string;
  readonly flags?: readonly MemoryPolicyFlag[];
}

export type MemoryPolicyMode =
  | 'MPOL_DEFAULT'
  | 'MPOL_BIND'
  | 'MPOL_INTERLEAVE'
  | 'MPOL_WEIGHTED_INTERLEAVE'
  | 'MPOL_PREFERRED'
  | 'MPOL_PREFERRED_MANY'
  | 'MPOL_LOCAL';

export type MemoryPolicyFlag = 'MPOL_F_NUMA_BALANCING' | 'MPOL_F_RELATIVE_NODES' | 'MPOL_F_STATIC_NODES';

/** personality(2). No flags are defined by the specification yet. */
export interface Personality {
  readonly domain?: 'LINUX' | 'LINUX32';
  readonly flags?: readonly string[];
}
