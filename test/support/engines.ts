/**
 * Other engines and tools, each with state of its own: dockerd, podman, skopeo, and Debian's registry. What a test does
 * not end goes with their pid namespace.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually } from './eventually.ts';

export interface Output {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program to its end. `enter` are words in front of it, such as a network's. */
export function runTool(command: readonly string[], options: { readonly input?: Buffer | string } = {}): Output {
  const [program, ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program!, args, {
    maxBuffer: 1 << 30,
    timeout: 180_000,
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  if (error) throw error;
  return { status: status ?? -1, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** The same, and its stdout; fails with its stderr. */
export function toolOutput(command: readonly string[], options: { readonly input?: Buffer | string } = {}): string {
  const { status, stdout, stderr } = runTool(command, options);
  if (status !== 0) throw new Error(`${command.join(' ')}: status ${status}: ${stderr}${stdout.slice(0, 500)}`);
  return stdout;
}

/** A real dockerd without networks, in mount and pid namespaces of its own. */
export class Dockerd implements AsyncDisposable {
  readonly #folder: string;
  readonly #enter: readonly string[];
  #child: ChildProcess | undefined;

  constructor(folder: string, enter: readonly string[] = []) {
    this.#folder = folder;
    this.#enter = enter;
  }

  get socket(): string {
    return `${this.#folder}/docker.sock`;
  }

  /** Words of a docker command against it. */
  docker(...args: readonly string[]): readonly string[] {
    return ['docker', '--host', `unix://${this.socket}`, ...args];
  }

  async start(...flags: readonly string[]): Promise<void> {
    await this.#launch('--bridge=none', '--iptables=false', '--ip6tables=false', ...flags);
  }

  /** With its default network and its rules, in the network it was made in. */
  async startWithNetworks(): Promise<void> {
    await this.#launch();
  }

  async #launch(...flags: readonly string[]): Promise<void> {
    const at = this.#folder;
    mkdirSync(`${at}/run`, { recursive: true });
    const all = [
      ...['--data-root', `${at}/data`, '--exec-root', `${at}/run/exec`, '--pidfile', `${at}/run/pid`],
      ...['--host', `unix://${this.socket}`, ...flags],
    ];
    const log = openSync(`${at}/log`, 'w');
    const script = `mount -t tmpfs run ${at}/run && mount -t tmpfs run /run && exec dockerd "$@"`;
    const namespaces = ['unshare', '-m', '-p', '-f', '--mount-proc', '--kill-child'];
    const [program, ...args] = [...this.#enter, ...namespaces, 'sh', '-c', script, 'sh', ...all];
    const child = spawn(program!, args, { stdio: ['ignore', log, log] });
    this.#child = child;
    await eventually(
      'dockerd answers',
      () => {
        if (child.exitCode !== null) throw new Error(readFileSync(`${at}/log`, 'utf8').slice(-2000));
        return runTool(this.docker('version')).status === 0;
      },
      30_000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const ids = toolOutput(this.docker('ps', '-aq')).split(/\s+/).filter(Boolean);
    if (ids.length > 0) runTool(this.docker('rm', '-f', ...ids));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}

/** Words of a podman command with folders of its own. Containers need no network and no cgroups of podman's. */
export function podman(folder: string, ...args: readonly string[]): readonly string[] {
  const flags = [
    ...['--root', `${folder}/podman`, '--runroot', `${folder}/podman-run`, '--tmpdir', `${folder}/podman-tmp`],
    // Debian's crun refuses hosts with controllers in both hierarchies.
    ...['--runtime', `${import.meta.dirname}/../../bin/skiff-runtime`],
    ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'none'],
  ];
  // Its mount of the storage folder stays behind otherwise.
  return ['unshare', '-m', '--', 'podman', ...flags, ...args];
}

/** Debian's registry, distribution 2, on a port of a network. */
export async function startDistribution(
  folder: string,
  port: number,
  enter: readonly string[] = [],
): Promise<AsyncDisposable> {
  mkdirSync(`${folder}/distribution`, { recursive: true });
  const config = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: `${folder}/distribution` }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(`${folder}/distribution.yml`, JSON.stringify(config));
  const log = openSync(`${folder}/distribution.log`, 'w');
  const [program, ...args] = [...enter, 'docker-registry', 'serve', `${folder}/distribution.yml`];
  const child = spawn(program, args, { stdio: ['ignore', log, log] });
  const url = `http://127.0.0.1:${port}/v2/`;
  await eventually(
    'the registry answers',
    () => {
      if (child.exitCode !== null) throw new Error(readFileSync(`${folder}/distribution.log`, 'utf8').slice(-2000));
      return runTool([...enter, 'curl', '-sf', '-o', '/dev/null', url]).status === 0;
    },
    15_000,
  );
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}
