/** Starts engines with folders of their own, side by side, and ends them without a rest. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Daemon extends AsyncDisposable {
  readonly name: string;
  readonly socket: string;
}

/** Our daemon from this checkout: the bundle where it is built, else the source. */
export function startSkiff(folder: string): Promise<Daemon> {
  const at = `${folder}/skiff`;
  mkdirSync(`${at}/run`, { recursive: true });
  // As on a real host, where /run is a tmpfs, for both engines alike.
  const script = `mount -t tmpfs run ${at}/run && exec bin/skiffd --data-root ${at}/data --exec-root ${at}/run -H unix://${at}.sock --cgroup-parent /skiff-bench-${process.pid}`;
  return start('skiff', at, ['unshare', '-m', 'sh', '-c', script]);
}

/** Real dockerd without networks; undefined where it is not installed. */
export async function startDocker(folder: string): Promise<Daemon | undefined> {
  if (!isInstalled('dockerd')) return undefined;
  const at = `${folder}/dockerd`;
  mkdirSync(`${at}/run`, { recursive: true });
  const flags = `--data-root ${at}/data --exec-root ${at}/run/exec --pidfile ${at}/run/pid --bridge=none --iptables=false --ip6tables=false`;
  const script = `mount -t tmpfs run ${at}/run && exec dockerd -H unix://${at}.sock ${flags}`;
  return start('dockerd', at, ['unshare', '-m', '-n', '-p', '-f', '--mount-proc', 'sh', '-c', script]);
}

export function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function start(name: string, at: string, [program, ...args]: [string, ...string[]]): Promise<Daemon> {
  const socket = `${at}.sock`;
  let log = '';
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (log = `${log}${chunk.toString()}`.slice(-4000)));
  for (let tries = 0; tries < 300 && !existsSync(socket); tries++) {
    if (child.exitCode !== null) throw new Error(`${name} ended at once:\n${log}`);
    await sleep(50);
  }
  if (!existsSync(socket)) throw new Error(`${name} does not listen after 15 s:\n${log}`);
  await sleep(500);
  return { name, socket, [Symbol.asyncDispose]: () => stop(child, at) };
}

async function stop(child: ChildProcess, at: string): Promise<void> {
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // `unshare -f` does not pass signals on: the daemon is its child.
  const [inner] = children(child.pid!);
  process.kill(inner ?? child.pid!, 'SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(timer);
  rmSync(`${at}.sock`, { force: true });
}

function children(pid: number): number[] {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
}
