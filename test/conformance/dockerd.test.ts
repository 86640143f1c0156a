/**
 * dockerd and containerd drive skiff-runtime. The daemon lives in mount, network and pid namespaces of its own: what
 * the test does not stop ends with them.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeRootfs, reasonToSkip, runtimeProgram } from '../support/bundle.ts';

const skip = reasonToSkip('dockerd', 'docker', 'containerd', 'unshare', 'script');
const options = { skip, timeout: 120_000 };
const folder = mkdtempSync(`${tmpdir()}/skiff-dockerd-`);
const host = `unix://${folder}/d.sock`;
let daemon: ChildProcess | undefined;

function docker(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('docker', ['--host', host, ...args], { encoding: 'utf8', timeout: 60_000 });
}

const run = (...args: readonly string[]) => docker('run', '--network', 'none', ...args);

before(async () => {
  if (skip !== false) return;
  const flags = [
    ...['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`, '--host', host],
    ...['--add-runtime', `skiff=${runtimeProgram}`, '--default-runtime', 'skiff'],
    ...['--iptables=false', '--bridge=none', '--storage-driver', 'vfs'],
  ];
  const log = openSync(`${folder}/log`, 'w');
  const script = `mount -t tmpfs tmpfs /run && exec dockerd "$@"`;
  daemon = spawn(
    'unshare',
    ['-m', '-n', '-p', '-f', '--mount-proc', '--kill-child', 'sh', '-c', script, 'sh', ...flags],
    {
      stdio: ['ignore', log, log],
    },
  );
  for (let turn = 0; docker('version').status !== 0; turn++) {
    if (turn > 200 || daemon.exitCode !== null) assert.fail(readFileSync(`${folder}/log`, 'utf8').slice(-2000));
    await sleep(100);
  }
  mkdirSync(`${folder}/rootfs`);
  makeRootfs(`${folder}/rootfs`);
  execFileSync('tar', ['-C', `${folder}/rootfs`, '-cf', `${folder}/image.tar`, '.']);
  assert.equal(docker('import', `${folder}/image.tar`, 'box:1').status, 0);
});

after(async () => {
  if (daemon && daemon.exitCode === null) {
    const ids = docker('ps', '-aq')
      .stdout.split(/\s+/)
      .filter((id) => id !== '');
    if (ids.length > 0) docker('rm', '-f', ...ids);
    const ended = new Promise((resolve) => daemon!.once('exit', resolve));
    daemon.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

test('run shows the output and gives the exit code', options, () => {
  const hello = run('--rm', 'box:1', 'echo', 'hello');
  assert.equal(hello.stdout, 'hello\n', hello.stderr);
  assert.equal(run('--rm', 'box:1', 'sh', '-c', 'exit 5').status, 5);
  assert.equal(docker('info', '--format', '{{.DefaultRuntime}}').stdout, 'skiff\n');
});

test('programs that cannot run have exit codes 127 and 126', options, () => {
  assert.equal(run('--rm', 'box:1', 'nosuch').status, 127);
  assert.equal(run('--rm', 'box:1', '/nosuch').status, 127);
  assert.equal(run('--rm', 'box:1', '/etc/passwd').status, 126);
});

test('stdin, init, users, read-only roots, tmpfs and bind mounts', options, () => {
  const cat = spawnSync('docker', ['--host', host, 'run', '-i', '--rm', '--network', 'none', 'box:1', 'cat'], {
    encoding: 'utf8',
    input: 'through\n',
  });
  assert.equal(cat.stdout, 'through\n', cat.stderr);
  const script =
    'id -u; touch /no 2>&1; touch /x/yes && echo tmpfs; ls /bundle; grep -c CapEff:.0000000000000000 /proc/self/status';
  const { stdout } = run(
    ...['--rm', '--read-only', '--tmpfs', '/x:mode=1777', '-v', `${folder}/rootfs/etc:/bundle:ro`],
    ...['--user', '1000:1000', '--cap-drop', 'all', '--security-opt', 'no-new-privileges', 'box:1', 'sh', '-c', script],
  );
  assert.equal(stdout, '1000\ntouch: /no: Read-only file system\ntmpfs\ngroup\npasswd\n1\n');
});

test('a terminal', options, () => {
  const command = `docker --host ${host} run --rm -t --network none box:1 tty`;
  const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', timeout: 30_000 });
  assert.match(stdout, /^\/dev\/pts\/0\r+\n$/);
  assert.equal(status, 0);
});

test('a privileged container has the devices, a limited one is killed when it takes too much memory', options, () => {
  const privileged = run('--rm', '--privileged', 'box:1', 'sh', '-c', 'ls /dev | wc -l');
  assert.ok(Number(privileged.stdout) > 20, privileged.stderr);
  // dockerd forgets an event that comes after the exit: the program outlives the one that is killed, and asks for no memory
  // until all of that one's is free.
  const greedy = 'sleep 2 & tail /dev/zero; code=$?; wait; exit $code';
  run('--name', 'big', '--memory', '16m', '--memory-swap', '16m', 'box:1', 'sh', '-c', greedy);
  assert.equal(docker('inspect', '--format', '{{.State.ExitCode}} {{.State.OOMKilled}}', 'big').stdout, '137 true\n');
});

test('a container in the background: exec, update, pause, top, stats, kill, start, stop, rm', options, () => {
  const started = run('-d', '--name', 'c1', '--memory', '64m', '--pids-limit', '20', 'box:1', 'sleep', '1000');
  assert.equal(started.status, 0, started.stderr);
  assert.equal(docker('exec', 'c1', 'sh', '-c', 'exit 4').status, 4);
  assert.match(docker('exec', 'c1', 'nosuch').stdout, /exec: "nosuch": executable file not found in \$PATH/);
  const { stdout } = docker(
    'exec',
    '-u',
    'dan',
    '-w',
    '/tmp',
    '-e',
    'A=b',
    'c1',
    'sh',
    '-c',
    'pwd; echo $A; echo $HOME',
  );
  assert.equal(stdout, '/tmp\nb\n/home/dan\n');
  assert.equal(docker('update', '--memory', '80m', '--memory-swap', '100m', 'c1').status, 0);
  assert.match(docker('stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}', 'c1').stdout, /\/ 80MiB 1$/m);
  const status = (): string => docker('inspect', '--format', '{{.State.Status}}', 'c1').stdout.trim();
  assert.equal(docker('pause', 'c1').status, 0);
  assert.equal(status(), 'paused');
  assert.equal(docker('unpause', 'c1').status, 0);
  assert.match(docker('top', 'c1').stdout, /sleep 1000/);
  assert.equal(docker('kill', '--signal', 'KILL', 'c1').status, 0);
  assert.equal(docker('wait', 'c1').stdout.trim(), '137');
  assert.equal(docker('start', 'c1').status, 0);
  assert.equal(status(), 'running');
  assert.equal(docker('stop', '--time', '0', 'c1').status, 0);
  assert.equal(docker('rm', 'c1').status, 0);
});

test('a container joins the namespaces of another', options, () => {
  assert.equal(run('-d', '--name', 'p1', '--ipc', 'shareable', 'box:1', 'sleep', '1000').status, 0);
  const { stdout, stderr } = run('--rm', '--pid', 'container:p1', '--ipc', 'container:p1', 'box:1', 'ps');
  assert.match(stdout, /sleep 1000/, stderr);
  assert.equal(docker('rm', '-f', 'p1').status, 0);
});
