/**
 * What is published works where nothing else is: on a bare Debian without compiler and libatomic, installed without
 * scripts, as its own engine in a chroot.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { debianSource, debianTar } from '../support/rootfs.ts';
import { testCgroup } from '../support/leaks.ts';

const root = `${import.meta.dirname}/../..`;
const node = `node-linux-${process.arch}`;
const needs =
  missing('root', 'busybox', 'debootstrap', 'apt-config', 'npm', 'cc', 'unshare', 'chroot', 'tar') ||
  (debianSource() ? false : 'needs a mirror of Debian in apt’s sources');

describe('the package', { skip: needs, timeout: 600_000 }, () => {
  const folder = mkdtempSync('/var/tmp/skiff-package-');
  const debian = `${folder}/debian`;
  const prefix = `${debian}/opt/skiff`;

  before(() => {
    mkdirSync(debian);
    execFileSync('tar', ['-xf', debianTar(), '-C', debian, '--numeric-owner']);
    for (const file of globSync(`${debian}/{lib,usr/lib}/*/libatomic.so*`)) rmSync(file);
    assert.deepEqual(globSync(`${debian}/usr/bin/{cc,gcc,make}`), [], 'no compiler there');
    const environment = { ...process.env, npm_config_cache: `${folder}/npm` };
    const options = { cwd: root, env: environment, stdio: 'pipe' } as const;
    execFileSync(process.execPath, ['tools/run.mjs', 'tools/pack.ts', `${folder}/packages`], options);
    const tarballs = globSync(`${folder}/packages/*.tgz`);
    assert.ok(tarballs.length >= 2);
    // The registry is not asked: its Node is put beside, as it is installed here.
    const flags = ['--ignore-scripts', '--omit=optional', '--offline', '--no-audit', '--no-fund', '--prefix', prefix];
    execFileSync('npm', ['install', ...flags, ...tarballs.filter((path) => !path.includes('arm64'))], options);
    cpSync(`${root}/node_modules/${node}/bin`, `${prefix}/node_modules/${node}/bin`, { recursive: true });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** In the root, with what a system has mounted; everything it starts ends with it. */
  function inside(script: string): { status: number | null; output: string } {
    const outer = `set -e
mount --bind ${debian} ${debian}
mount -t proc proc ${debian}/proc
mount --rbind /sys ${debian}/sys
mount --rbind /dev ${debian}/dev
mount -t tmpfs -o mode=755 run ${debian}/run
exec chroot ${debian} /bin/sh -c "$0"`;
    const path = '/opt/skiff/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin';
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--net', '--pid', '--fork', '--propagation', 'private', 'sh', '-c', outer, script],
      { encoding: 'utf8', timeout: 120_000, killSignal: 'SIGKILL', env: { PATH: path, HOME: '/root' } },
    );
    return { status, output: `${stdout}${stderr}` };
  }

  test('installs the programs under their names, dockerd too', () => {
    for (const name of ['skiff', 'skiffd', 'dockerd', 'skiff-registry', 'skiff-runtime']) {
      assert.ok(existsSync(`${prefix}/node_modules/.bin/${name}`), name);
    }
    const { status, output } = inside('skiff --version && dockerd --help | head -1');
    assert.equal(status, 0, output);
    assert.match(output, /^Skiff version \d+\.\d+\.\d+\nUsage: dockerd \[OPTIONS\]\n$/);
  });

  test('skiff run hello, with its own engine', async () => {
    const parent = `/${testCgroup(`package-${process.pid}`)}`;
    const { status, output } = inside(`
skiffd --cgroup-parent ${parent} > /run/log 2>&1 &
for i in $(seq 100); do [ -S /run/skiff.sock ] && break; sleep 0.1; done
skiff run --rm hello; code=$?
kill -TERM $!; wait $!
cat /run/log >&2
exit $code`);
    assert.equal(status, 0, output);
    assert.match(output, /pid {14}1/);
    assert.doesNotMatch(output, /level=error/);
    const left = (): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(debian);
    await eventually('nothing is left mounted', () => !left(), 5000);
    assert.deepEqual(globSync(`/sys/fs/cgroup/**${parent}/*/`), []);
  });

  test('doctor and install know their place there', () => {
    const { status, output } = inside('skiff doctor; skiff system install --root / --dry-run | head -1');
    assert.equal(status, 0, output);
    assert.match(output, /^ok +native helper +there$/m);
    assert.match(output, /groupadd --system --force skiff/);
    const made = inside('skiff system install && skiff system install && skiff system uninstall && getent group skiff');
    assert.equal(made.status, 0, made.output);
    assert.match(made.output, /unchanged \/etc\/systemd\/system\/skiff\.service/);
    assert.match(made.output, /removed \/etc\/systemd\/system\/skiff\.socket/);
  });
});
