/**
 * `npm run bench`: side by side in one interleaved run, as root: our daemon and dockerd over the Engine API; our OCI
 * command line, crun and runc on one prepared bundle; and the floor, a C program that only clones, mounts, pivots, execs.
 *
 * Each round gives everyone a turn; tight loops hide waits of the kernel (RCU), so there is a run with pauses of 60 ms too.
 * Flags: --rounds N (default 40), --engines, --runtimes, --json FILE. bench/bench.mjs measures many more workloads.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { apiClient, oneLife } from './api-loop.ts';
import { type Daemon, isInstalled, startDocker, startSkiff } from './daemons.ts';
import { type Summary, summarize, table } from './samples.ts';

const PAUSE_MS = 60;
const IMAGE = 'skiff-bench:latest';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    engines: { type: 'boolean' },
    runtimes: { type: 'boolean' },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const all = values.engines !== true && values.runtimes !== true;
const results: Record<string, Summary[]> = {};
/** Container ids of the runtimes have to differ. */
let runs = 0;

enterOwnMounts();
if (process.getuid?.() !== 0) throw new Error('the benchmark needs root');
if (!isInstalled('busybox')) throw new Error('the benchmark needs a static busybox (Debian: busybox-static)');
const folder = mkdtempSync(join(tmpdir(), 'skiff-bench-'));
try {
  const contenders: Contender[] = [];
  await using undo = new AsyncDisposableStack();
  if (all || values.engines === true) contenders.push(...(await engines(undo)));
  if (all || values.runtimes === true) contenders.push(...runtimes());
  await measure('tight loop', contenders, 0);
  await measure(`pauses of ${PAUSE_MS} ms`, contenders, PAUSE_MS);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);

/**
 * Everybody runs in a mount namespace of the benchmark's own. Debian's crun refuses a hybrid host whose unified hierarchy
 * has controllers, so that is not mounted there.
 */
function enterOwnMounts(): void {
  if (process.env['SKIFF_BENCH_MOUNTS'] !== undefined) return;
  const script = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
  const command = ['-m', 'sh', '-c', script, 'sh', process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, SKIFF_BENCH_MOUNTS: 'own' };
  process.exit(spawnSync('unshare', command, { stdio: 'inherit', env }).status ?? 1);
}

interface Contender {
  readonly name: string;
  readonly once: () => Promise<number>;
}

async function measure(title: string, contenders: readonly Contender[], pauseMs: number): Promise<void> {
  const samples = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = -2; round < rounds; round++) {
    for (const { name, once } of contenders) {
      const ms = await once();
      if (round >= 0) samples.get(name)!.push(ms);
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }
  results[title] = contenders.map(({ name }) => summarize(name, samples.get(name)!));
  console.log(table(title, results[title]));
}

async function engines(undo: AsyncDisposableStack): Promise<Contender[]> {
  const daemons: Daemon[] = [undo.use(await startSkiff(folder))];
  const docker = await startDocker(folder);
  if (docker) daemons.push(undo.use(docker));
  else console.log('dockerd is not installed: left out');
  const tar = execFileSync('tar', ['-C', rootFileSystem(), '-c', '.'], { maxBuffer: 64 * 1024 * 1024 });
  const contenders: Contender[] = [];
  for (const { name, socket } of daemons) {
    const client = apiClient(socket);
    await client.call('POST', `/images/create?fromSrc=-&repo=${IMAGE.split(':')[0]}&tag=latest`, tar);
    contenders.push({ name: `${name}: API create+start+wait+delete`, once: () => oneLife(client, IMAGE) });
  }
  return contenders;
}

/** A busybox root file system, made once. */
function rootFileSystem(): string {
  const root = `${folder}/rootfs`;
  if (spawnSync('test', ['-d', root]).status === 0) return root;
  for (const name of ['bin', 'proc', 'dev', 'sys', 'etc', 'tmp', 'root'])
    mkdirSync(`${root}/${name}`, { recursive: true });
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
  copyFileSync(busybox, `${root}/bin/busybox`);
  chmodSync(`${root}/bin/busybox`, 0o755);
  for (const applet of ['sh', 'true', 'sleep']) symlinkSync('busybox', `${root}/bin/${applet}`);
  writeFileSync(`${root}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\n');
  return root;
}

function runtimes(): Contender[] {
  const bundle = `${folder}/bundle`;
  mkdirSync(bundle);
  execFileSync('bin/skiff-runtime', ['spec', '-b', bundle]);
  const path = `${bundle}/config.json`;
  const config = JSON.parse(execFileSync('cat', [path], { encoding: 'utf8' })) as {
    ociVersion: string;
    process: { args: string[]; terminal: boolean };
    root: { path: string };
  };
  // Older runtimes refuse versions newer than themselves.
  config.ociVersion = '1.0.2';
  config.process.args = ['true'];
  config.process.terminal = false;
  config.root.path = rootFileSystem();
  writeFileSync(path, JSON.stringify(config));
  const contenders = [floor()];
  for (const program of ['crun', 'runc', 'bin/skiff-runtime']) {
    if (!isInstalled(program)) console.log(`${program} is not installed: left out`);
    else contenders.push(runtime(program, bundle));
  }
  return contenders;
}

function runtime(program: string, bundle: string): Contender {
  const name = program.split('/').at(-1)!;
  return {
    name: `${name} run`,
    once: async () =>
      timed([program, '--root', `${folder}/state-${name}`, 'run', '-b', bundle, `bench-${process.pid}-${runs++}`]),
  };
}

function floor(): Contender {
  const program = `${folder}/floor`;
  execFileSync('cc', ['-O2', '-static', '-o', program, 'bench/floor.c']);
  const [upper, work, target] = ['upper', 'work', 'target'].map((name) => `${folder}/floor-${name}`);
  for (const path of [upper!, work!, target!]) mkdirSync(path);
  return {
    name: 'floor (C, no checks)',
    once: async () => timed([program, rootFileSystem(), upper!, work!, target!, '/bin/true']),
  };
}

/** Milliseconds of a whole process. Throws when it fails. */
function timed([program, ...args]: [string, ...string[]]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr.toString()}`);
  return performance.now() - start;
}
