/** A network of a test's own: loopback and nothing else, shared by the programs it starts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { eventually } from './eventually.ts';

/** Programs started with `enter` in front of their command see each other on 127.0.0.1, and nobody else. */
export class PrivateNetwork implements AsyncDisposable {
  readonly #holder: ChildProcess;

  constructor() {
    this.#holder = spawn('unshare', ['--net', '--', 'sh', '-c', 'ip link set lo up && exec sleep infinity'], {
      stdio: 'ignore',
    });
  }

  /** Words to put in front of a command. */
  get enter(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`, '--'];
  }

  /** Of the process that holds it. */
  get pid(): number {
    return this.#holder.pid!;
  }

  async ready(): Promise<void> {
    const own = readlinkSync('/proc/self/ns/net');
    const { pid } = this.#holder;
    await eventually('the network is there', () => readlinkSync(`/proc/${pid}/ns/net`) !== own && isUp(pid!), 5000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#holder.once('exit', resolve));
    this.#holder.kill('SIGKILL');
    await ended;
  }
}

/** The shell has become `sleep` once loopback is up. */
function isUp(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/exe`).endsWith('sleep');
}
