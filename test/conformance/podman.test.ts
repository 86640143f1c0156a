/** Podman drives skiff-runtime through conmon: run, exec, pause, stop, terminals, user namespaces. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { makeRootfs, reasonToSkip, runtimeProgram } from '../support/bundle.ts';

const skip = reasonToSkip('podman', 'conmon');
const options = { skip, timeout: 120_000 };
const folder = mkdtempSync(`${tmpdir()}/skiff-podman-`);

// Podman's storage of its own, so that the host's containers are not seen.
const own = ['--root', `${folder}/root`, '--runroot', `${folder}/run`, '--tmpdir', `${folder}/tmp`];
const globals = [...own, '--cgroup-manager', 'cgroupfs', '--events-backend', 'none', '--runtime', runtimeProgram];
// Podman's default limits are above what a host without CAP_SYS_RESOURCE may give.
const limits = ['--ulimit', 'nofile=512:512', '--ulimit', 'nproc=512:512', '--network', 'none'];

function podman(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('podman', [...globals, ...args], { encoding: 'utf8', timeout: 60_000 });
}

const run = (...args: readonly string[]) => podman('run', ...limits, ...args);

before(() => {
  if (skip !== false) return;
  mkdirSync(`${folder}/rootfs`);
  makeRootfs(`${folder}/rootfs`);
  execFileSync('tar', ['-C', `${folder}/rootfs`, '-cf', `${folder}/image.tar`, '.']);
  assert.equal(podman('import', `${folder}/image.tar`, 'box:1').status, 0);
});

after(() => {
  if (skip === false) {
    podman('rm', '--all', '--force', '--time', '0');
    podman('rmi', '--all', '--force');
    spawnSync('umount', ['-l', `${folder}/root/overlay`], { stdio: 'ignore' });
  }
  rmSync(folder, { recursive: true, force: true });
});

test('run shows the output and gives the exit code', options, () => {
  const hello = run('--rm', 'box:1', 'echo', 'hello');
  assert.equal(hello.stdout, 'hello\n', hello.stderr);
  assert.equal(run('--rm', 'box:1', 'sh', '-c', 'exit 5').status, 5);
});

test('programs that cannot run have exit codes 127 and 126', options, () => {
  assert.equal(run('--rm', 'box:1', 'nosuch').status, 127);
  assert.equal(run('--rm', 'box:1', '/etc/passwd').status, 126);
});

test('stdin, users, read-only roots, tmpfs and bind mounts', options, () => {
  const cat = spawnSync('podman', [...globals, 'run', ...limits, '-i', '--rm', 'box:1', 'cat'], {
    encoding: 'utf8',
    input: 'through\n',
  });
  assert.equal(cat.stdout, 'through\n', cat.stderr);
  const script =
    'id -u; touch /no 2>&1; touch /x/yes && echo tmpfs; ls /bundle; grep -c CapEff:.0000000000000000 /proc/self/status';
  const volume = `${folder}/rootfs/etc:/bundle:ro`;
  const { stdout } = run(
    ...['--rm', '--read-only', '--tmpfs', '/x:mode=1777', '-v', volume, '--user', '1000:1000', '--cap-drop', 'all'],
    ...['box:1', 'sh', '-c', script],
  );
  assert.equal(stdout, '1000\ntouch: /no: Read-only file system\ntmpfs\ngroup\npasswd\n1\n');
});

test('a terminal, a privileged container and a user namespace', options, () => {
  assert.match(run('--rm', '-t', 'box:1', 'tty').stdout, /^\/dev\/pts\/0\r?\n$/);
  const privileged = run('--rm', '--privileged', 'box:1', 'sh', '-c', 'ls /dev | wc -l');
  assert.ok(Number(privileged.stdout) > 20, privileged.stderr);
  const mapped = run(
    '--rm',
    '--uidmap',
    '0:100000:1000',
    '--gidmap',
    '0:100000:1000',
    'box:1',
    'cat',
    '/proc/self/uid_map',
  );
  assert.match(mapped.stdout, /^\s*0\s+100000\s+1000\n$/, mapped.stderr);
});

test('a container in the background: exec, pause, kill, start, stop, rm', options, () => {
  const started = run('-d', '--name', 'c1', '--memory', '64m', '--pids-limit', '20', 'box:1', 'sleep', '1000');
  assert.equal(started.status, 0, started.stderr);
  assert.equal(podman('exec', 'c1', 'sh', '-c', 'exit 4').status, 4);
  assert.equal(podman('exec', 'c1', 'nosuch').status, 127);
  assert.equal(
    podman('exec', '-u', '1000', '-w', '/tmp', '-e', 'A=b', 'c1', 'sh', '-c', 'pwd; echo $A').stdout,
    '/tmp\nb\n',
  );
  assert.match(podman('exec', '-t', 'c1', 'tty').stdout, /\/dev\/pts\/0/);
  const status = (): string => podman('inspect', '--format', '{{.State.Status}}', 'c1').stdout.trim();
  assert.equal(podman('pause', 'c1').status, 0);
  assert.equal(status(), 'paused');
  assert.equal(podman('unpause', 'c1').status, 0);
  assert.match(podman('top', 'c1').stdout, /sleep 1000/);
  assert.equal(podman('kill', '--signal', 'KILL', 'c1').status, 0);
  assert.equal(podman('wait', 'c1').stdout.trim(), '137');
  assert.equal(podman('start', 'c1').status, 0);
  assert.equal(status(), 'running');
  assert.equal(podman('stop', '--time', '0', 'c1').status, 0);
  assert.equal(podman('rm', 'c1').status, 0);
  assert.equal(podman('ps', '--all', '--quiet').stdout, '');
});
