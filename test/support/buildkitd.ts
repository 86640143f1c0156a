/**
 * A real BuildKit as the peer of a comparison, with state, mounts and processes of its own; it runs steps with runc. The
 * program is whoever runs the tests' to bring: SKIFF_TEST_BUILDKITD names it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { globSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { eventually } from './eventually.ts';
import { testCgroup } from './leaks.ts';

export const BUILDKITD = process.env['SKIFF_TEST_BUILDKITD'] ?? '';

/** For the `skip` option of tests. */
export const withoutBuildkitd: string | false =
  BUILDKITD === '' && 'needs a BuildKit to compare with: SKIFF_TEST_BUILDKITD names the program buildkitd';

export class Buildkitd implements AsyncDisposable {
  readonly #folder: string;
  readonly #cgroup: string;
  #child: ChildProcess | undefined;

  constructor(folder: string) {
    this.#folder = `${folder}/buildkitd`;
    this.#cgroup = testCgroup(basename(folder));
  }

  /** For `docker buildx create --driver remote`. */
  get address(): string {
    return `unix://${this.#folder}/sock`;
  }

  get output(): string {
    return readFileSync(`${this.#folder}/log`, 'utf8');
  }

  async start(): Promise<void> {
    const at = this.#folder;
    mkdirSync(at, { recursive: true });
    writeFileSync(
      `${at}/config.toml`,
      `[worker.oci]\n  gc = false\n  defaultCgroupParent = "${this.#cgroup}"\n[worker.containerd]\n  enabled = false\n`,
    );
    const flags = ['--config', `${at}/config.toml`, '--root', `${at}/root`, '--addr', this.address];
    const log = openSync(`${at}/log`, 'w');
    // Steps see the test's network, as they do of a daemon without a bridge.
    const script = 'mount -t tmpfs run /run && exec "$@"';
    const namespaces = ['-m', '-p', '-f', '--mount-proc', '--kill-child'];
    const daemon = [BUILDKITD, ...flags, '--oci-worker-net=host', '--oci-worker-snapshotter=overlayfs'];
    const child = spawn('unshare', [...namespaces, 'sh', '-c', script, 'sh', ...daemon], {
      stdio: ['ignore', log, log],
    });
    this.#child = child;
    await eventually(
      'buildkitd listens',
      () => {
        if (child.exitCode !== null) throw new Error(`buildkitd ended:\n${this.output.slice(-2000)}`);
        return this.output.includes('running server on');
      },
      20_000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    await eventually('the cgroups of its steps are empty', () => this.#cgroups().every(removed), 5000);
  }

  /** The deepest first. */
  #cgroups(): string[] {
    const roots = [`/sys/fs/cgroup/${this.#cgroup}`, `/sys/fs/cgroup/*/${this.#cgroup}`];
    return globSync(roots.flatMap((root) => [root, `${root}/**/`])).sort((a, b) => b.length - a.length);
  }
}

function removed(cgroup: string): boolean {
  try {
    rmdirSync(cgroup);
    return true;
  } catch {
    return false;
  }
}
