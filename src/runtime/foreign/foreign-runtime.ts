/**
 * Containers made by another OCI runtime (runc, crun, …) under our shim: docs/decisions/0015-foreign-runtimes.md.
 *
 * The shim's child becomes `RUNTIME create`, in a mount namespace that has the container's root and a network namespace that
 * has its interfaces. It ends, and the process it made is the shim's from then on. `RUNTIME start` lets the program begin.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { messageOf } from '#base';
import { openCgroup, type PlanFailure, SIGKILL } from '#linux';
import { formatJson64, type Process, type RuntimeConfig, type Seccomp } from '#specs';
import { performPlan } from '../perform.ts';
import { compileForeign, compileForeignExec, type ForeignStart } from '../plan/foreign.ts';
import type { Plan } from '../plan/op.ts';
import { environment } from '../plan/process.ts';
import type { ExecRequest, LaunchRequest, ProcessMaker, SeccompWish } from '../process-maker.ts';
import { type ProcessIdentity, type RunningProcess, readPidRecord } from '../running-process.ts';
import type { RuntimeDeps } from '../runtime-deps.ts';
import { shimRecordOf } from '../shim-record.ts';
import { defaultProfile } from '../seccomp/default-profile.ts';
import { resolveProfile } from '../seccomp/resolve.ts';
import { type BegunProcess, settleLaunch } from '../unnoted-launch.ts';
import { foreignFailure, foreignPlanFailure, type Stage } from './foreign-failure.ts';
import { ForeignExec, ForeignProcess } from './foreign-process.ts';
import { ForeignProgram, type RuntimeProgram } from './foreign-program.ts';
import { PATIENCE_MS, RunLimit, tookTooLong } from './patience.ts';

/** Relative to the folder the runtime is run in: a path to a socket has room for some hundred characters. */
const PID_FILE = ['--pid-file', 'init.pid'] as const;
const CONSOLE = ['--console-socket', 'console.sock'] as const;

export class ForeignRuntime implements ProcessMaker {
  readonly #deps: RuntimeDeps;
  readonly #program: RuntimeProgram;

  constructor(deps: RuntimeDeps, program: RuntimeProgram) {
    this.#deps = deps;
    this.#program = program;
  }

  async launch(request: LaunchRequest): Promise<RunningProcess> {
    const { id, runDirectory, config } = request;
    const { launcher } = this.#deps;
    const program = this.#programFor(id, runDirectory);
    const { plan, config: given } = this.#compile(request, program);
    writeFileSync(`${runDirectory}/config.json`, formatJson64(given), { mode: 0o600 });
    mkdirSync(`${runDirectory}/state`, { mode: 0o711 });
    // Its limits are the runtime's to set. That it is there already lets the shim hear of OOM kills from the beginning.
    const cgroup = openCgroup(config.linux?.cgroupsPath ?? `/skiff/${id}`, this.#deps.cgroupHost);
    cgroup.create({});
    const limit = this.#limit();
    limit.begin();
    const process = await performPlan({
      launcher,
      shim: { ...shimRecordOf(request, cgroup), handsOver: true },
      plan,
      make: (identity) => {
        limit.end();
        return new ForeignProcess(identity, runDirectory, launcher, program);
      },
      explain: this.#explain('create', plan, program.logOf('create'), limit),
      onShim: (shimPid) => limit.launched(shimPid),
    });
    if (!request.hold) await process.release();
    return process;
  }

  plan(request: LaunchRequest): Plan {
    return this.#compile(request, this.#programFor(request.id, request.runDirectory)).plan;
  }

  async exec(request: ExecRequest): Promise<RunningProcess> {
    const { launcher } = this.#deps;
    const { id, execId, runDirectory, home, stdin } = request;
    const process: Process = { ...request.process, env: environment(request.process, home) };
    writeFileSync(`${runDirectory}/process.json`, formatJson64(process), { mode: 0o600 });
    const tty = process.terminal ?? false;
    const options = ['--detach', '--process', 'process.json', ...PID_FILE, ...(tty ? CONSOLE : [])];
    const log = `${runDirectory}/exec.log`;
    const program = this.#programFor(id, request.containerDirectory);
    const limit = this.#limit();
    // One that is held does not run the runtime yet.
    if (!request.hold) limit.begin();
    const hold = request.hold ? ({ by: 'parent' } as const) : ({ by: 'nobody' } as const);
    const plan = compileForeignExec(process, program.command('exec', options, log), runDirectory, hold);
    return performPlan({
      launcher,
      shim: { tty, stdin, stdinOnce: stdin, handsOver: true, id: `${id}/${execId}`, runDirectory },
      plan,
      make: (identity) => new ForeignExec(identity, runDirectory, launcher, limit),
      explain: this.#explain('exec', plan, log, limit),
      onShim: (shimPid) => {
        limit.launched(shimPid);
        if (!request.onShim) return;
        // Who connects this early lets it go as well.
        limit.begin();
        request.onShim();
      },
    });
  }

  find(id: string, identity: ProcessIdentity, runDirectory: string): RunningProcess {
    const program = this.#programFor(id, runDirectory);
    return new ForeignProcess(identity, runDirectory, this.#deps.launcher, program);
  }

  /** Its process is there before its program: that is let begin by `RUNTIME start`. */
  settle(id: string, runDirectory: string): Promise<BegunProcess | undefined> {
    return settleLaunch(runDirectory, () => this.#programFor(id, runDirectory).hasStarted());
  }

  async forget(id: string, runDirectory: string): Promise<void> {
    const names = namesIn(runDirectory);
    for (const name of names) await this.#endExec(`${runDirectory}/${name}`);
    if (!names.includes('state')) return;
    const program = this.#programFor(id, runDirectory);
    try {
      await program.run('delete', ['--force']);
    } catch (error) {
      this.#deps.log.warn('a runtime could not delete a container', {
        container: id,
        runtime: this.#program.name,
        error: messageOf(error),
      });
    }
  }

  /** An exec a killed daemon has left before it began: it is no process of the container's yet, and would wait for ever. */
  async #endExec(folder: string): Promise<void> {
    const left = readPidRecord(folder);
    if (left) await this.#deps.launcher.signal(left.pid, left.startTime, SIGKILL);
  }

  #compile(request: LaunchRequest, program: ForeignProgram): ForeignStart {
    const { config, runDirectory, overlay, network, sourceFolders, home } = request;
    const options = ['--bundle', runDirectory, ...PID_FILE, ...(config.process?.terminal ? CONSOLE : [])];
    const seccomp = this.#seccomp(request.seccomp, config);
    return compileForeign(config, {
      bundle: runDirectory,
      facts: this.#deps.facts,
      command: program.command('create', options, program.logOf('create')),
      home,
      ...(overlay ? { overlay } : {}),
      ...(network ? { network } : {}),
      ...(sourceFolders ? { sourceFolders } : {}),
      ...(seccomp ? { seccomp } : {}),
    });
  }

  #seccomp(wish: SeccompWish, config: RuntimeConfig): Seccomp | undefined {
    if (wish.kind === 'unconfined') return undefined;
    return resolveProfile(wish.kind === 'default' ? defaultProfile : this.#deps.seccomp.profile(wish.text), {
      arch: globalThis.process.arch,
      kernel: this.#deps.facts.kernel,
      capabilities: config.process?.capabilities?.bounding ?? [],
    });
  }

  #programFor(id: string, runDirectory: string): ForeignProgram {
    return new ForeignProgram(this.#program, id, runDirectory, this.#deps);
  }

  #limit(): RunLimit {
    return new RunLimit(this.#deps.launcher, this.#deps.foreignPatienceMs ?? PATIENCE_MS);
  }

  #explain(stage: Stage, plan: Plan, log: string, limit: RunLimit) {
    rmSync(log, { force: true });
    return (failure: PlanFailure) => {
      limit.end();
      if (limit.hasExpired) return foreignFailure(stage, tookTooLong(this.#program.name, stage, limit.patienceMs));
      return foreignPlanFailure(stage, { plan, program: this.#program.path, log }, failure);
    };
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
