/** A registry of its own for a test: `skiff-registry` on a free port, with private data. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { eventually } from './eventually.ts';

const PROGRAM = `${import.meta.dirname}/../../bin/skiff-registry`;
const START_MS = 15_000;
const STOP_MS = 20_000;

export class Registry implements AsyncDisposable {
  readonly folder: string;
  readonly #diskSize: string | undefined;
  #process: ChildProcess | undefined;
  #address = '';

  /** With `diskSize` (`12m`) its data is on a disk of that size, in memory and seen by it alone; this needs root. */
  constructor(diskSize?: string) {
    this.folder = mkdtempSync('/tmp/skiff-test-registry-');
    this.#diskSize = diskSize;
    mkdirSync(this.dataRoot);
  }

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return this.#address;
  }

  get dataRoot(): string {
    return `${this.folder}/data`;
  }

  get output(): string {
    return readFileSync(`${this.folder}/output`, 'utf8');
  }

  /** Starts it and waits until it listens, each time at the same address. */
  async start(...flags: string[]): Promise<void> {
    await this.startWith({}, ...flags);
  }

  /** With variables in its environment. */
  async startWith(environment: Readonly<Record<string, string>>, ...flags: string[]): Promise<void> {
    if (this.#address === '') this.#address = `127.0.0.1:${await freePort()}`;
    const before = this.#spawn(flags, environment);
    await eventually(
      'the registry listens',
      () => {
        const said = this.output.slice(before);
        if (this.#process?.exitCode !== null) throw new Error(`the registry ended:\n${said}`);
        return said.includes(`registry listen on ${this.#address}\n`);
      },
      START_MS,
    );
  }

  /** Starts one that is expected to give up: its exit code and all it said. */
  async startInVain(...flags: string[]): Promise<{ code: number; output: string }> {
    const running = this.#process;
    const before = this.#spawn(flags, {});
    const child = this.#process!;
    try {
      await eventually('the registry gives up', () => child.exitCode !== null, START_MS);
    } finally {
      child.kill('SIGKILL');
      this.#process = running;
    }
    return { code: child.exitCode ?? -1, output: this.output.slice(before) };
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Ends it with a signal and waits for its end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    const child = this.#process;
    if (!child) return 0;
    child.kill(signal);
    try {
      await eventually('the registry ends', () => child.exitCode !== null || child.signalCode !== null, STOP_MS);
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`the registry does not end after ${signal}:\n${this.output}`, { cause: error });
    }
    this.#process = undefined;
    return child.exitCode ?? -1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#process) assert.equal(await this.end(), 0, `the registry ends cleanly; it said:\n${this.output}`);
    } finally {
      this.#process?.kill('SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** Gives how much it had said before. */
  #spawn(flags: readonly string[], environment: Readonly<Record<string, string>>): number {
    const output = openSync(`${this.folder}/output`, 'a');
    const before = this.output.length;
    const command = [PROGRAM, ...flags, `--data-root=${this.dataRoot}`, `--listen=${this.#address}`];
    const mount = `mount -t tmpfs -o size=${this.#diskSize} none ${this.dataRoot} && exec "$0" "$@"`;
    const [program, ...args] =
      this.#diskSize === undefined ? command : ['unshare', '-m', 'sh', '-c', mount, ...command];
    this.#process = spawn(program!, args, {
      stdio: ['ignore', output, output],
      env: { ...process.env, ...environment },
    });
    this.#process.on('error', () => {});
    closeSync(output);
    return before;
  }
}

/** Below those the kernel gives to connections: a registry that was killed has to get it again. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    const isFree = await promise;
    await new Promise<void>((done) => (isFree ? server.close(() => done()) : done()));
    if (isFree) return port;
  }
}
