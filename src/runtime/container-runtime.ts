/**
 * Starts processes in containers: cgroup, filter, plan, shim. What the engine calls where Docker's calls containerd.
 *
 * Keeps no records: what it is told and what the kernel says is all it knows.
 */
import {
  type Cgroup,
  type CgroupHost,
  type CgroupStats,
  type HelperEvent,
  type HostFacts,
  kernelFiles,
  type Launcher,
  openCgroup,
  readProcessStat,
  type ShimRecord,
} from '#linux';
import type { Process, Resources, RuntimeConfig } from '#specs';
import { errors } from './errors.ts';
import { describeErrno, failureError } from './failure.ts';
import { compilePlan } from './plan/compile.ts';
import { encodePlan } from './plan/encode.ts';
import { compileExec, type ExecTarget } from './plan/exec.ts';
import type { CompileInput, NetworkSetup, OverlayRoot, SeccompProgram } from './plan/input.ts';
import type { Plan } from './plan/op.ts';
import { RunningProcess } from './running-process.ts';
import { defaultProfile } from './seccomp/default-profile.ts';
import type { SeccompCache } from './seccomp/program.ts';

/** Which filter a process gets: Docker's default, none, or a profile's JSON text. */
export type SeccompWish =
  | { readonly kind: 'default' }
  | { readonly kind: 'unconfined' }
  | { readonly kind: 'profile'; readonly text: string };

interface ShimWishes {
  readonly id: string;
  /** An existing folder; gets the shim's socket and records. */
  readonly runDirectory: string;
  readonly seccomp: SeccompWish;
  readonly home: string;
  readonly stdin: boolean;
  /** Stop before the program until `release`, so that clients can be attached first. */
  readonly hold: boolean;
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
  readonly process: Process;
  readonly target: ExecTarget;
  readonly cgroupsPath: string;
}

export interface RuntimeDeps {
  readonly launcher: Launcher;
  readonly facts: HostFacts;
  readonly cgroupHost: CgroupHost;
  readonly seccomp: SeccompCache;
  readonly helperProgram: string;
}

/** The first that plans may use. */
const DATAGRAM_SLOT = 8;

export class ContainerRuntime {
  readonly #deps: RuntimeDeps;

  constructor(deps: RuntimeDeps) {
    this.#deps = deps;
  }

  get launcher(): Launcher {
    return this.#deps.launcher;
  }

  get cgroupVersion(): 1 | 2 {
    return this.#deps.cgroupHost.mode === 'v2' ? 2 : 1;
  }

  /** The native program, which is also the init of `--init` and the program of the built-in image. */
  get helperProgram(): string {
    return this.#deps.helperProgram;
  }

  /**
   * Makes the cgroup, compiles the plan, has a shim perform it; resolves when the program runs (or is held).
   * On failure the cgroup is left to the caller, see `removeCgroup`. Throws what says why it could not start.
   */
  async launch(request: LaunchRequest): Promise<RunningProcess> {
    const { config, id, runDirectory } = request;
    const resources = config.linux?.resources ?? {};
    const cgroup = this.#cgroupOf(request);
    cgroup.create(resources);
    const plan = this.#compile(request, cgroup);
    const watch = cgroup.oomWatch();
    const shim: ShimRecord = {
      tty: config.process?.terminal ?? false,
      stdin: request.stdin,
      stdinOnce: request.stdinOnce,
      linger: request.linger,
      id,
      runDirectory,
      ...(request.log ? { log: request.log } : {}),
      ...(watch.kind === 0 ? {} : { oom: { path: watch.path, version: watch.kind } }),
    };
    return this.#perform(shim, plan, config.process?.args ?? []);
  }

  /** The plan `launch` would perform, for people. Nothing is made. */
  plan(request: LaunchRequest): Plan {
    return this.#compile(request, this.#cgroupOf(request));
  }

  #cgroupOf({ config, id }: LaunchRequest): Cgroup {
    return openCgroup(config.linux?.cgroupsPath ?? `/skiff/${id}`, this.#deps.cgroupHost);
  }

  #compile(request: LaunchRequest, cgroup: Cgroup): Plan {
    const { config, overlay, network, sourceFolders, makeCwd, isInit } = request;
    return compilePlan(config, {
      ...this.#input(request, config.process!),
      cgroup: cgroup.placement(config.linux?.resources ?? {}),
      ...(overlay ? { overlay } : {}),
      ...(network ? { network } : {}),
      ...(sourceFolders ? { sourceFolders } : {}),
      makeCwd,
      isInit,
    });
  }

  /** A further process in the namespaces of `target`. Throws what says why it could not start. */
  async exec(request: ExecRequest): Promise<RunningProcess> {
    const cgroup = openCgroup(request.cgroupsPath, this.#deps.cgroupHost);
    const { deviceProgram: _, ...placement } = cgroup.placement({});
    const plan = compileExec(request.process, request.target, {
      ...this.#input(request, request.process),
      cgroup: placement,
    });
    const shim: ShimRecord = {
      tty: request.process.terminal ?? false,
      stdin: request.stdin,
      stdinOnce: request.stdin,
      id: `${request.id}/${request.execId}`,
      runDirectory: request.runDirectory,
    };
    return this.#perform(shim, plan, request.process.args ?? []);
  }

  /** Stops all processes of a cgroup where they are. */
  freeze(cgroupsPath: string): Promise<void> {
    return openCgroup(cgroupsPath, this.#deps.cgroupHost).freeze();
  }

  thaw(cgroupsPath: string): void {
    openCgroup(cgroupsPath, this.#deps.cgroupHost).thaw();
  }

  /** Changes limits of a cgroup. On v2 a new device filter replaces the old one. */
  async update(cgroupsPath: string, resources: Resources): Promise<void> {
    const { deviceProgram } = openCgroup(cgroupsPath, this.#deps.cgroupHost).update(resources);
    if (!deviceProgram) return;
    const { folder, program } = deviceProgram;
    const replace = 0x10;
    const plan: Plan = { parent: [{ op: 'bpfDevice', opFlags: replace, cgroup: folder, program }], child: [] };
    const outcome = await this.#deps.launcher.run(encodePlan(plan));
    if (outcome.errno === 0) return;
    throw failureError(plan, [], { stream: 'parent', ...outcome });
  }

  /** Each text as one datagram to a unix socket, in order. Throws what the kernel refused, with the path. */
  async sendDatagrams(path: string, texts: readonly string[]): Promise<void> {
    const datagram = 0x10;
    const plan: Plan = {
      parent: [
        { op: 'connect', opFlags: datagram, slot: DATAGRAM_SLOT, path },
        ...texts.map(
          (data) => ({ op: 'writeFile', at: DATAGRAM_SLOT, path: '', data, openFlags: 0, mode: 0 }) as const,
        ),
      ],
      child: [],
    };
    const outcome = await this.#deps.launcher.run(encodePlan(plan));
    if (outcome.errno !== 0) throw errors.datagrams(path, describeErrno(outcome.errno));
  }

  /** Pids of everything in a cgroup, the container's nested cgroups included. */
  pids(cgroupsPath: string): number[] {
    return openCgroup(cgroupsPath, this.#deps.cgroupHost).pids(true);
  }

  stats(cgroupsPath: string): CgroupStats {
    return openCgroup(cgroupsPath, this.#deps.cgroupHost).stats();
  }

  /** A signal to everything in a cgroup that belongs to the session this process leads. */
  async signalSession(cgroupsPath: string, leader: number, signal: number): Promise<void> {
    const members = this.pids(cgroupsPath).map((pid) => ({ pid, stat: readProcessStat(pid) }));
    for (const { pid, stat } of members) {
      if (stat?.session === leader) await this.#deps.launcher.signal(pid, stat.startTime, signal);
    }
  }

  /** SIGKILL to everything in a cgroup, at once and until nothing is left; one that does not exist is no error. */
  killCgroup(cgroupsPath: string, signal?: AbortSignal): Promise<void> {
    return openCgroup(cgroupsPath, this.#deps.cgroupHost).kill(signal);
  }

  /** Removes a cgroup that holds nothing any more, such as the one above all containers; any other stays as it is. */
  removeEmptyCgroup(cgroupsPath: string): void {
    const { hierarchies } = openCgroup(cgroupsPath, this.#deps.cgroupHost).placement({});
    for (const { folder } of hierarchies) {
      try {
        kernelFiles.rmdir(folder);
      } catch {
        // In use, by us or by another daemon, or not there.
      }
    }
  }

  removeCgroup(cgroupsPath: string): Promise<void> {
    return openCgroup(cgroupsPath, this.#deps.cgroupHost).remove();
  }

  #input(wishes: ShimWishes, process: Process): Omit<CompileInput, 'cgroup'> {
    const seccomp = this.#filter(wishes.seccomp, process);
    return {
      id: wishes.id,
      bundle: wishes.runDirectory,
      facts: this.#deps.facts,
      streams: { stdio: 'shim', console: { to: 'parent' } },
      hold: wishes.hold ? { by: 'parent' } : { by: 'nobody' },
      ...(seccomp ? { seccomp } : {}),
      home: wishes.home,
      preserveFds: 0,
      noPivot: false,
      noNewKeyring: false,
    };
  }

  #filter(wish: SeccompWish, process: Process): SeccompProgram | undefined {
    if (wish.kind === 'unconfined') return undefined;
    const cache = this.#deps.seccomp;
    const profile = wish.kind === 'default' ? defaultProfile : cache.profile(wish.text);
    return cache.program(profile, {
      arch: globalThis.process.arch,
      kernel: this.#deps.facts.kernel,
      capabilities: process.capabilities?.bounding ?? [],
    });
  }

  /** Hands the plan to the launcher and waits for the first word of the shim. */
  #perform(shim: ShimRecord, plan: Plan, args: readonly string[]): Promise<RunningProcess> {
    const { launcher } = this.#deps;
    const { promise, resolve, reject } = Promise.withResolvers<RunningProcess>();
    let process: RunningProcess | undefined;
    const listener = (event: HelperEvent): void => {
      if (process && event.type === 'failed') {
        process.fail(failureError(plan, args, event));
      } else if (process) {
        process.event(event);
      } else if (event.type === 'created' || event.type === 'started') {
        process = new RunningProcess(event, shim.runDirectory, launcher);
        process.event(event);
        resolve(process);
      } else if (event.type === 'failed') {
        reject(failureError(plan, args, event));
      } else if (event.type === 'shim-lost') {
        reject(
          errors.launchFailed(
            `the shim of ${shim.id} ended before its container ran (wait status ${event.waitStatus})`,
          ),
        );
      }
    };
    launcher.launch(shim, encodePlan(plan), listener).catch(reject);
    return promise;
  }
}
