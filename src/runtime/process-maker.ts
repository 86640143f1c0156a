/** What makes the processes of containers: our own runtime, or another program of that kind. */
import type { ShimRecord } from '#linux';
import type { Process, RuntimeConfig } from '#specs';
import type { ExecTarget } from './plan/exec.ts';
import type { CompileInput, NetworkSetup, OverlayRoot } from './plan/input.ts';
import type { Plan } from './plan/op.ts';
import type { ProcessIdentity, RunningProcess } from './running-process.ts';
import type { BegunProcess } from './unnoted-launch.ts';

/** Which filter a process gets: Docker's default, none, or a profile's JSON text. */
export type SeccompWish =
  | { readonly kind: 'default' }
  | { readonly kind: 'unconfined' }
  | { readonly kind: 'profile'; readonly text: string };

export interface ShimWishes {
  readonly id: string;
  /** An existing folder; gets the shim's socket and records. */
  readonly runDirectory: string;
  readonly seccomp: SeccompWish;
  readonly home: string;
  readonly stdin: boolean;
  /** Stop before the program until `release`, so that clients can be attached first. */
  readonly hold: boolean;
  /**
   * Called once clients may connect to the shim, while the process is still being made: who connects early is there when it
   * is held. Not by makers whose shim cannot release what is held.
   */
  readonly onShim?: () => void;
}

export interface LaunchRequest extends ShimWishes {
  readonly config: RuntimeConfig;
  /** Without it the root is the folder `config.root.path`. */
  readonly overlay?: OverlayRoot;
  /** What its own network is made of besides `lo`. */
  readonly network?: NetworkSetup;
  readonly sourceFolders?: CompileInput['sourceFolders'];
  readonly makeCwd: { readonly uid: number; readonly gid: number };
  readonly stdinOnce: boolean;
  /** The program is `init` of the helper, see `helperProgram`. */
  readonly isInit: boolean;
  /** See ShimRecord.linger. */
  readonly linger: boolean;
  readonly log?: NonNullable<ShimRecord['log']>;
}

export interface ExecRequest extends ShimWishes {
  readonly execId: string;
  /** The container's `runDirectory`; `runDirectory` is the exec's own. */
  readonly containerDirectory: string;
  readonly process: Process;
  readonly target: ExecTarget;
  readonly cgroupsPath: string;
}

/**
 * The story: `launch` makes the container's cgroup and first process, `exec` further ones in it; both resolve when the program
 * runs or, with `hold`, waits for `release`. A later daemon takes the process up again with `find`; of a launch that was cut off
 * it asks `settle` first. When all have ended, `forget`
 * ends what the maker itself keeps of the container; then the cgroup and the run folder are the caller's to remove, as they are
 * when `launch` fails. Limits, freezing and counters are the cgroup's, whoever has made the process.
 */
export interface ProcessMaker {
  /** Throws what says why it could not start. */
  launch(request: LaunchRequest): Promise<RunningProcess>;
  /** The plan `launch` would perform, for people. Nothing is made. */
  plan(request: LaunchRequest): Plan;
  /** Throws what says why it could not start. */
  exec(request: ExecRequest): Promise<RunningProcess>;
  find(id: string, identity: ProcessIdentity, runDirectory: string): RunningProcess;
  /**
   * What came of a launch nobody noted: its process when the program has begun, though it may have ended. Undefined when it
   * has not and never will: a process that was held has ended then. Throws `runtime.launchStuck`.
   */
  settle(id: string, runDirectory: string): Promise<BegunProcess | undefined>;
  /** Also of a container that was never made, or whose making was cut off. Never throws. */
  forget(id: string, runDirectory: string): Promise<void>;
}
