/**
 * Sides of a comparison: a daemon each, in a network of its own with a registry at the same address, so that the same
 * script may say the same to each. What a script says is compared after everything that differs by
 * nature (ids that are random, times, folders) has become a word.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Daemon } from './daemon.ts';
import { Dockerd, type Output, startDistribution } from './engines.ts';
import { PrivateNetwork } from './network.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

/** A command line, and the version of the API it is told to speak. */
export interface CommandLine {
  readonly program: 'docker' | 'skiff';
  readonly apiVersion?: string;
}

/** Docker's, as old as the dockerd we compare with. */
const DOCKER: CommandLine = { program: 'docker', apiVersion: '1.41' };

/** The registry's address in each side's network. */
export const REGISTRY = 'localhost:5601';

export class Side implements AsyncDisposable {
  readonly daemon: 'dockerd' | 'skiffd';
  /** The scripts' working folder. */
  readonly folder: string;
  readonly network = new PrivateNetwork();
  /** Names of ids that are the same everywhere, by their first twelve digits. */
  known: ReadonlyMap<string, string> = new Map();
  readonly #undo = new AsyncDisposableStack();
  #socket = '';

  constructor(daemon: 'dockerd' | 'skiffd') {
    this.daemon = daemon;
    this.#undo.use(this.network);
    this.folder = mkdtempSync(`${tmpdir()}/skiff-side-`);
  }

  get socket(): string {
    return this.#socket;
  }

  /** With `networks` the daemon has its default bridge, docker0 in both. */
  async start({ networks = false } = {}): Promise<void> {
    const { folder, network } = this;
    this.#undo.defer(() => rmSync(folder, { recursive: true, force: true }));
    await network.ready();
    for (const name of ['work', 'skiff', 'config', 'engine']) mkdirSync(`${folder}/${name}`);
    symlinkSync(SKIFF, `${folder}/skiff/docker`);
    this.#undo.use(await startDistribution(folder, 5601, network.enter));
    if (this.daemon === 'dockerd') {
      const dockerd = this.#undo.use(new Dockerd(`${folder}/engine`, network.enter));
      await (networks ? dockerd.startWithNetworks() : dockerd.start());
      this.#socket = dockerd.socket;
    } else {
      const daemon = this.#undo.use(new Daemon(network.enter));
      await (networks ? daemon.start('--bridge=docker0') : daemon.start());
      this.#socket = daemon.socket;
    }
  }

  /** A shell script in which `docker` is that command line, as it came out. */
  raw(script: string, { program: cli, apiVersion }: CommandLine = DOCKER): Promise<Output> {
    const { folder, network } = this;
    const environment = {
      PATH: `${cli === 'skiff' ? `${folder}/skiff:` : ''}${process.env['PATH'] ?? ''}`,
      HOME: folder,
      DOCKER_CONFIG: `${folder}/config`,
      DOCKER_HOST: `unix://${this.#socket}`,
      DOCKER_CLI_HINTS: 'false',
      ...(apiVersion === undefined ? {} : { DOCKER_API_VERSION: apiVersion }),
      TERM: 'xterm',
    };
    const [program, ...args] = [...network.enter, 'sh', '-c', script];
    const options = { cwd: `${folder}/work`, env: environment, timeout: 60_000, maxBuffer: 64 << 20 };
    return new Promise((resolve, reject) => {
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
      });
      child.stdin!.end();
    });
  }

  /** The same with what differs by nature made the same. */
  async run(script: string, commandLine: CommandLine = DOCKER): Promise<Output> {
    const { status, stdout, stderr } = await this.raw(script, commandLine);
    const text = (output: string): string => normalized(output.replaceAll(this.folder, 'FOLDER'), this.known);
    return { status, stdout: text(stdout), stderr: text(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
  }
}

/**
 * Ids become numbers in the order in which a script tells them, but those that are known have their name: the same
 * archive gives the same image everywhere.
 */
export function normalized(text: string, known: ReadonlyMap<string, string>): string {
  const ids = new Map<string, number>();
  const nameOf = (id: string): string => {
    const short = id.slice(0, 12);
    return known.get(short) ?? String(ids.getOrInsertComputed(short, () => ids.size + 1));
  };
  return (
    text
      .replace(/"GraphDriver": \{[^]*?\n {8}\},\n/g, '')
      .replace(/\b[0-9a-f]{64}\b/g, (id) => `ID-${nameOf(id)}`)
      .replace(/\b(?=[0-9a-f]*[0-9])[0-9a-f]{12}\b/g, (id) => `id-${nameOf(id)}`)
      .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| ?[+-]\d\d:?\d\d)?(?: [A-Z]{3})?/g, 'TIME')
      .replace(/(?:Less than a|About an?|\d+) (?:second|minute|hour|day|week|month|year)s?(?: ago)?/g, 'AGO')
      // Columns are as wide as what became a word above.
      .replace(/(?<=\S) {2,}/g, '  ')
      .replace(/[ \t]+$/gm, '')
  );
}
