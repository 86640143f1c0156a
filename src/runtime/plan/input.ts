/** What compiling needs besides the config: facts of the host and choices of the caller. All values, no I/O. */
import type { HostFacts } from '#linux';

/** How the child gets into its cgroups, and what the container may see of them. */
export interface CgroupPlacement {
  /** v1: `tasks` files; the child writes 0 to each. */
  readonly tasks: readonly string[];
  /** v2: the folder for CLONE_INTO_CGROUP. */
  readonly folder?: string;
  /** v2: the device filter, loaded and attached to the folder before the clone. */
  readonly deviceProgram?: { readonly folder: string; readonly program: Uint8Array };
  /** For mounts of type `cgroup`. */
  readonly hierarchies: readonly CgroupHierarchy[];
}

/** One mounted cgroup hierarchy of the host and the container's place in it. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  /** The folder it appears in: `memory`, `cpu,cpuacct`, `systemd`, `unified`; empty for a pure v2 host. */
  readonly name: string;
  /** Mount options that select it, such as `memory` or `none,name=systemd`. */
  readonly options: readonly string[];
  /** The container's folder on the host. */
  readonly folder: string;
}

/** Where the child's output and terminal go, and whether it waits before its program. */
export interface Streams {
  /** `inherit`: the caller's own; `shim`: slots the shim prepared. */
  readonly stdio: 'inherit' | 'shim';
  /** With `process.terminal`: who receives the pty master. */
  readonly console: { readonly to: 'parent' } | { readonly to: 'socket'; readonly path: string };
}

export type Hold =
  | { readonly by: 'nobody' }
  | { readonly by: 'parent' }
  | { readonly by: 'socket'; readonly path: string };

export interface SeccompProgram {
  /** Flag bits of seccomp(2). */
  readonly flags: number;
  readonly program: Uint8Array;
  /** A filter with SCMP_ACT_NOTIFY: where its notify fd is sent, with which metadata. */
  readonly listener?: { readonly path: string; readonly metadata: string };
}

/** The root mount when it is not a folder to be bound: overlay layers mounted inside the container only. */
export interface OverlayRoot {
  /** Folder to mount on. */
  readonly target: string;
  readonly options: readonly string[];
}

/** What makes the network of a container that has one of its own; whoever asks for it knows what the messages mean. */
export interface NetworkSetup {
  /** Netlink messages sent in the caller's network once the child exists; its pid is put where it is wanted. */
  readonly outside: readonly NetlinkRequest[];
  /** Files below /proc/sys/net, written in the child's network; one that is not there is left out. */
  readonly switches: readonly { readonly name: string; readonly value: string }[];
  /** Netlink messages sent in the child's network, once `lo` is up. */
  readonly inside: readonly NetlinkRequest[];
}

export interface NetlinkRequest {
  readonly protocol: number;
  readonly messages: Uint8Array;
  readonly pidOffset?: number;
}

export interface CompileInput {
  readonly id: string;
  /** Absolute folder relative paths of the config start from. */
  readonly bundle: string;
  readonly facts: HostFacts;
  readonly cgroup: CgroupPlacement;
  readonly streams: Streams;
  readonly hold: Hold;
  /** The cgroups are made while the shim and the child are: it waits for the launcher's word before the child joins them. */
  readonly awaitsCgroups?: boolean;
  readonly seccomp?: SeccompProgram;
  readonly overlay?: OverlayRoot;
  readonly network?: NetworkSetup;
  /**
   * Destination of a bind → folder its source is a path in: nothing in that folder, no symlink and no `..`, leads out of
   * it, even if it changes meanwhile.
   */
  readonly sourceFolders?: Readonly<Record<string, string>>;
  /** HOME for a process whose environment has none. */
  readonly home: string;
  /** File descriptors 3 … 2+n the container inherits. */
  readonly preserveFds: number;
  /** The program is the helper's own init: it begins with all signals blocked. */
  readonly isInit?: boolean;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** The caller has no rights on the host: whatever needs some happens inside the new user namespace. */
  readonly unprivileged?: boolean;
  /** Made before the program starts when it does not exist (Docker makes a missing working folder). */
  readonly makeCwd?: { readonly uid: number; readonly gid: number };
}
