/** The command line of a foreign OCI runtime: how it is called for one container, and what it says when it refuses. */
import { type ChildProcess, execFile } from 'node:child_process';
import { posix } from 'node:path';
import { promisify } from 'node:util';
import type { Launcher } from '#linux';
import type { ForeignCommand } from '../plan/foreign.ts';
import type { RuntimeDeps } from '../runtime-deps.ts';
import { lastErrorIn } from './foreign-log.ts';
import { killBelow, PATIENCE_MS, tookTooLong } from './patience.ts';

/** A runtime as the operator has named it, kept with what it runs. */
export interface RuntimeProgram {
  readonly name: string;
  /** A path, or the name of a program in PATH. */
  readonly path: string;
  /** In front of everything else. */
  readonly args: readonly string[];
}

const run = promisify(execFile);
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** One runtime for one container, whose run folder also has the runtime's own state. */
export class ForeignProgram {
  readonly #program: RuntimeProgram;
  readonly #id: string;
  readonly #directory: string;
  readonly #launcher: Pick<Launcher, 'signal'>;
  readonly #patienceMs: number;

  constructor(
    program: RuntimeProgram,
    id: string,
    runDirectory: string,
    { launcher, foreignPatienceMs = PATIENCE_MS }: Pick<RuntimeDeps, 'launcher' | 'foreignPatienceMs'>,
  ) {
    this.#program = program;
    this.#id = id;
    this.#directory = runDirectory;
    this.#launcher = launcher;
    this.#patienceMs = foreignPatienceMs;
  }

  get name(): string {
    return this.#program.name;
  }

  /** For a plan; `log` is a path of the caller's. */
  command(verb: string, options: readonly string[], log: string): ForeignCommand {
    const { path } = this.#program;
    return { candidates: candidatesFor(path), args: [path, ...this.#words(verb, options, log)], env: environment() };
  }

  /** Whether the program of a container it has made has begun; it may have ended. */
  async hasStarted(): Promise<boolean> {
    try {
      const { status } = JSON.parse(await this.run('state')) as { status?: unknown };
      return status !== 'creating' && status !== 'created';
    } catch {
      return false;
    }
  }

  /** Runs one to its end, and gives what it prints. Throws an Error with what the runtime says. */
  async run(verb: string, options: readonly string[] = [], rest: readonly string[] = []): Promise<string> {
    const log = this.logOf(verb);
    const running = run(this.#program.path, [...this.#words(verb, options, log), ...rest], {
      cwd: this.#directory,
      env: Object.fromEntries(environment().map((entry) => entry.split(/=(.*)/s).slice(0, 2))),
      killSignal: 'SIGKILL',
    });
    let tooLong: string | undefined;
    const timer = setTimeout(() => {
      tooLong = tookTooLong(this.name, verb, this.#patienceMs);
      void this.#kill(running.child);
    }, this.#patienceMs);
    try {
      return (await running).stdout;
    } catch (error) {
      const { stderr = '', message } = error as { stderr?: string; message: string };
      throw new Error(tooLong ?? lastErrorIn(log) ?? (stderr.trim() || message), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** With what it has started, which may hold its output open. */
  async #kill(child: ChildProcess): Promise<void> {
    if (child.pid !== undefined) await killBelow(this.#launcher, child.pid).catch(() => {});
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.kill('SIGKILL');
  }

  /** Where it says why it could not do it. */
  logOf(verb: string): string {
    return `${this.#directory}/${verb}.log`;
  }

  #words(verb: string, options: readonly string[], log: string): string[] {
    const common = ['--root', `${this.#directory}/state`, '--log', log, '--log-format', 'json'];
    return [...this.#program.args, ...common, verb, ...options, this.#id];
  }
}

const pathVariable = (): string => process.env['PATH'] || DEFAULT_PATH;

/** No more of the daemon's environment than what programs are found by. */
const environment = (): string[] => [`PATH=${pathVariable()}`];

function candidatesFor(path: string): string[] {
  if (path.includes('/')) return [path];
  return pathVariable()
    .split(':')
    .filter((folder) => folder !== '')
    .map((folder) => posix.join(folder, path));
}
