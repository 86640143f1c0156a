/**
 * Starts processes in containers: cgroup, filter, plan, shim. What the engine calls where Docker's calls containerd.
 *
 * Keeps no records: what it is told and what the kernel says is all it knows.
 */
import {
  type Cgroup,
  type CgroupStats,
  kernelFiles,
  type Launcher,
  openCgroup,
  readProcessStat,
  type ShimRecord,
} from '#linux';
import type { Process, Resources, RuntimeConfig } from '#specs';
import { errors } from './errors.ts';
import { describeErrno, failureError } from './failure.ts';
import type { RuntimeProgram } from './foreign/foreign-program.ts';
import { ForeignRuntime } from './foreign/foreign-runtime.ts';
import { compilePlan } from './plan/compile.ts';
import { encodePlan } from './plan/encode.ts';
import { compileExec } from './plan/exec.ts';
import { type Performance, performPlan } from './perform.ts';
import type { CompileInput, SeccompProgram } from './plan/input.ts';
import type { Plan } from './plan/op.ts';
import type { ExecRequest, LaunchRequest, ProcessMaker, SeccompWish, ShimWishes } from './process-maker.ts';
import { type ProcessIdentity, RunningProcess } from './running-process.ts';
import type { RuntimeDeps } from './runtime-deps.ts';
import { shimRecordOf } from './shim-record.ts';
import { defaultProfile } from './seccomp/default-profile.ts';
import { type BegunProcess, settleLaunch } from './unnoted-launch.ts';

/** The first that plans may use. */
const DATAGRAM_SLOT = 8;

export class ContainerRuntime implements ProcessMaker {
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
   * Compiles the plan, makes the cgroup, has a shim perform it; resolves when the program runs (or is held).
   * On failure the cgroup is left to the caller, see `removeCgroup`. Throws what says why it could not start.
   */
  async launch(request: LaunchRequest): Promise<RunningProcess> {
    const { config } = request;
    const cgroup = this.#cgroupOf(request);
    const awaitsCgroups = this.#canAwaitCgroups(config);
    const make = (): void => cgroup.create(config.linux?.resources ?? {});
    if (!awaitsCgroups) make();
    const plan = this.#compile(request, cgroup, awaitsCgroups);
    return this.#perform(shimRecordOf(request, cgroup), plan, config.process?.args ?? [], {
      onShim: request.onShim,
      meanwhile: awaitsCgroups ? make : undefined,
    });
  }

  /** kernel: v2's are opened for clone; with a user namespace the shim opens them, before there is a child. */
  #canAwaitCgroups({ linux }: RuntimeConfig): boolean {
    return this.cgroupVersion === 1 && !(linux?.namespaces ?? []).some(({ type }) => type === 'user');
  }

  /** The plan `launch` would perform, for people. Nothing is made. */
  plan(request: LaunchRequest): Plan {
    return this.#compile(request, this.#cgroupOf(request), false);
  }

  #cgroupOf({ config, id }: LaunchRequest): Cgroup {
    return openCgroup(config.linux?.cgroupsPath ?? `/skiff/${id}`, this.#deps.cgroupHost);
  }

  #compile(request: LaunchRequest, cgroup: Cgroup, awaitsCgroups: boolean): Plan {
    const { config, overlay, network, sourceFolders, makeCwd, isInit } = request;
    return compilePlan(config, {
      ...this.#input(request, config.process!),
      cgroup: cgroup.placement(config.linux?.resources ?? {}),
      ...(overlay ? { overlay } : {}),
      ...(network ? { network } : {}),
      ...(sourceFolders ? { sourceFolders } : {}),
      makeCwd,
      isInit,
      awaitsCgroups,
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
    return this.#perform(shim, plan, request.process.args ?? [], { onShim: request.onShim });
  }

  find(_id: string, identity: ProcessIdentity, runDirectory: string): RunningProcess {
    return new RunningProcess(identity, runDirectory, this.#deps.launcher);
  }

  settle(_id: string, runDirectory: string): Promise<BegunProcess | undefined> {
    return settleLaunch(runDirectory);
  }

  /** Nothing is kept. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  /** Another program that makes processes, in the same cgroups and under the same shims. */
  foreign(program: RuntimeProgram): ProcessMaker {
    return new ForeignRuntime(this.#deps, program);
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

  #perform(
    shim: ShimRecord,
    plan: Plan,
    args: readonly string[],
    beside: Pick<Performance<RunningProcess>, 'onShim' | 'meanwhile'>,
  ): Promise<RunningProcess> {
    const { launcher } = this.#deps;
    return performPlan({
      ...beside,
      launcher,
      shim,
      plan,
      make: (identity) => new RunningProcess(identity, shim.runDirectory, launcher),
      explain: (failure) => failureError(plan, args, failure),
    });
  }
}
