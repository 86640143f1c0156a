/**
 * A daemon of its own for a test: private folders, a cgroup parent of its own, and at the end the proof that nothing of
 * it is left. A leak is a failure of the suite, even when all its tests have passed.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, globSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { after, before } from 'node:test';
import { Containers } from './containers.ts';
import { eventually } from './eventually.ts';
import { Http } from './http.ts';
import { cgroupsOf, filesOf, mountsOf, processesOf, removeCgroups, type Traces, testCgroup } from './leaks.ts';
import { busyboxTar } from './rootfs.ts';

const PROGRAM = `${import.meta.dirname}/../../bin/skiffd`;
const START_MS = 15_000;
const STOP_MS = 30_000;

export class Daemon implements AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  readonly http: Http;
  readonly containers: Containers;
  readonly cgroupParent: string;
  readonly #mark: string;
  readonly #enter: readonly string[];
  #process: ChildProcess | undefined;

  /**
   * `enter`: words in front of its command, such as a network's. With `diskSize` (`64m`) its data is on a disk of that
   * size, in memory and seen by it alone, until it ends.
   */
  constructor(enter: readonly string[] = [], diskSize?: string) {
    // A short path: the sockets of shims are below it.
    this.folder = mkdtempSync('/tmp/skiff-test-');
    const mount = `mkdir ${this.dataRoot} && mount -t tmpfs -o size=${diskSize} none ${this.dataRoot} && exec "$0" "$@"`;
    this.#enter = diskSize === undefined ? enter : [...enter, 'unshare', '-m', 'sh', '-c', mount];
    this.socket = `${this.folder}/api.sock`;
    this.http = new Http(this.socket);
    this.containers = new Containers(this.http, 'busybox');
    // Unlike a pid, this is unique among runs in pid namespaces of their own.
    this.cgroupParent = `/${testCgroup(basename(this.folder))}`;
    this.#mark = `SKIFF_TEST_DAEMON=${this.folder}`;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    assert.ok(pid !== undefined, 'the daemon runs');
    return pid;
  }

  get dataRoot(): string {
    return `${this.folder}/data`;
  }

  get execRoot(): string {
    return `${this.folder}/exec`;
  }

  /** What the daemon said on stdout and stderr so far. */
  get output(): string {
    return readFileSync(`${this.folder}/output`, 'utf8');
  }

  get traces(): Traces {
    const { folder, cgroupParent, containers } = this;
    return { folder, cgroupParent, mark: this.#mark, ids: containers.made };
  }

  /** Starts it and waits until it listens. Fails with its output when it ends instead. */
  async start(...flags: string[]): Promise<void> {
    const said = this.#spawn(flags);
    const ready = `API listen on ${this.socket}\n`;
    await eventually(
      'the daemon listens',
      () => {
        if (this.#process?.exitCode !== null) throw new Error(`the daemon ended:\n${said()}`);
        return said().includes(ready);
      },
      START_MS,
    );
  }

  /** Starts one that is expected to give up: its exit code and all it said. */
  async startInVain(...flags: string[]): Promise<{ code: number; output: string }> {
    const before = this.#process;
    const said = this.#spawn(flags);
    const child = this.#process!;
    try {
      await eventually('the daemon gives up', () => child.exitCode !== null, START_MS);
    } finally {
      child.kill('SIGKILL');
      this.#process = before;
    }
    return { code: child.exitCode ?? -1, output: said() };
  }

  /** Ends it with a signal and waits for its end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    const child = this.#process;
    if (!child) return 0;
    this.http.close();
    child.kill(signal);
    try {
      await eventually('the daemon ends', () => child.exitCode !== null || child.signalCode !== null, STOP_MS);
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`the daemon does not end after ${signal}:\n${this.output}`, { cause: error });
    }
    this.#process = undefined;
    return child.exitCode ?? -1;
  }

  /** Gives busybox to the daemon as the image `busybox`, or another archive under another name. */
  async import(tar: string = busyboxTar(), repository = 'busybox'): Promise<void> {
    await this.http.call('POST', `/images/create?fromSrc=-&repo=${repository}`, createReadStream(tar));
  }

  async removeContainers(): Promise<void> {
    const list = await this.containers.list();
    await Promise.all(list.map(({ Id }) => this.containers.remove(Id)));
  }

  /** Ends everything, and fails when anything is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#process) {
        await this.removeContainers();
        assert.equal(await this.end(), 0, `the daemon ends cleanly; it said:\n${this.output}`);
      }
      await this.assertNothingLeft();
    } finally {
      this.#sweep();
    }
  }

  /** No process, mount, cgroup or file of the daemon or its containers. Shims get a moment to end. */
  async assertNothingLeft(): Promise<void> {
    const { traces } = this;
    const look = () => ({
      processes: processesOf(traces).map(({ pid, command }) => `${pid} ${command}`),
      mounts: mountsOf(traces),
      cgroups: cgroupsOf(traces),
      files: filesOf(traces),
    });
    const nothing = { processes: [], mounts: [], cgroups: [], files: [] };
    await eventually('nothing is left', () => Object.values(look()).every((list) => list.length === 0), 3000).catch(
      () => assert.deepEqual(look(), nothing, `something of the daemon is left; it said:\n${this.output}`),
    );
  }

  /** What builds have while they run: run folders, cgroups, processes, layers in the making. */
  buildRests(): string[] {
    const { traces, folder, dataRoot } = this;
    const processes = processesOf(traces).filter(({ pid, command }) => pid !== this.pid && command.includes('shim'));
    return [
      ...processes.map(({ pid, command }) => `${pid} ${command}`),
      ...cgroupsOf(traces),
      ...globSync([`${folder}/exec/build/*`, `${dataRoot}/build/incoming/*`, `${dataRoot}/layers/tmp-*`]),
    ];
  }

  #spawn(flags: readonly string[]): () => string {
    const output = openSync(`${this.folder}/output`, 'a');
    const from = readFileSync(`${this.folder}/output`, 'utf8').length;
    const { dataRoot, execRoot, socket, folder, cgroupParent } = this;
    const [program, ...before] = [...this.#enter, PROGRAM];
    this.#process = spawn(
      program,
      [
        ...before,
        `--data-root=${dataRoot}`,
        `--exec-root=${execRoot}`,
        `--host=unix://${socket}`,
        `--pidfile=${folder}/skiffd.pid`,
        `--cgroup-parent=${cgroupParent}`,
        // The host's network is not the tests': who wants networks brings one of its own.
        ...(flags.some((flag) => flag.startsWith('--bridge')) ? [] : ['--bridge=none']),
        ...flags,
      ],
      {
        stdio: ['ignore', output, output],
        env: { ...process.env, SKIFF_TEST_DAEMON: folder },
      },
    );
    this.#process.on('error', () => {});
    closeSync(output);
    return () => this.output.slice(from);
  }

  /** Whatever a failed test left: nothing of it may disturb the next. */
  #sweep(): void {
    this.#process?.kill('SIGKILL');
    const { traces } = this;
    for (let turn = 0; turn < 50; turn++) {
      const left = processesOf(traces);
      for (const { pid } of left) killIfThere(pid);
      if (left.length === 0) break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
    removeCgroups(traces);
    if (mountsOf(traces).length === 0) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A daemon with the image `busybox` for the suite it is called in: started before its tests, gone after them. */
export function useDaemon(...flags: string[]): Daemon {
  const daemon = new Daemon();
  before(async () => {
    await daemon.start(...flags);
    await daemon.import();
  });
  after(() => daemon[Symbol.asyncDispose]());
  return daemon;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
