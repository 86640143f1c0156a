/** The command line of a foreign OCI runtime: how it is called for one container, and what it says when it refuses. */
import { execFile } from 'node:child_process';
import { posix } from 'node:path';
import { promisify } from 'node:util';
import type { ForeignCommand } from '../plan/foreign.ts';
import { lastErrorIn } from './foreign-log.ts';

/** A runtime as the operator has named it, kept with what it runs. */
export interface RuntimeProgram {
  readonly name: string;
  /** A path, or the name of a program in PATH. */
  readonly path: string;
  /** In front of everything else. */
  readonly args: readonly string[];
}

const run = promisify(execFile);
/** What it does meanwhile is a matter of milliseconds; one that hangs must not hold the container's lock for ever. */
const PATIENCE_MS = 30_000;
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** One runtime for one container, whose run folder also has the runtime's own state. */
export class ForeignProgram {
  readonly #program: RuntimeProgram;
  readonly #id: string;
  readonly #directory: string;

  constructor(program: RuntimeProgram, id: string, runDirectory: string) {
    this.#program = program;
    this.#id = id;
    this.#directory = runDirectory;
  }

  get name(): string {
    return this.#program.name;
  }

  /** For a plan; `log` is a path of the caller's. */
  command(verb: string, options: readonly string[], log: string): ForeignCommand {
    const { path } = this.#program;
    return { candidates: candidatesFor(path), args: [path, ...this.#words(verb, options, log)], env: environment() };
  }

  /** Runs one to its end. Throws an Error with what the runtime says. */
  async run(verb: string, options: readonly string[] = [], rest: readonly string[] = []): Promise<void> {
    const log = this.logOf(verb);
    try {
      await run(this.#program.path, [...this.#words(verb, options, log), ...rest], {
        cwd: this.#directory,
        env: Object.fromEntries(environment().map((entry) => entry.split(/=(.*)/s).slice(0, 2))),
        timeout: PATIENCE_MS,
        killSignal: 'SIGKILL',
      });
    } catch (error) {
      const { killed, stderr = '', message } = error as { killed?: boolean; stderr?: string; message: string };
      if (killed === true)
        throw new Error(`${this.name} ${verb} took longer than ${PATIENCE_MS / 1000} s`, { cause: error });
      throw new Error(lastErrorIn(log) ?? (stderr.trim() || message), { cause: error });
    }
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
