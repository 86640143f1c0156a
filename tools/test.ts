/**
 * Everything: `ok`, then the system, conformance and differential tests on the real kernel, as root.
 *
 * They run in namespaces of their own, so that what a test leaves mounted or running ends with it; tests look for such
 * leaks themselves. `tools/test-lanes.ts` says which run beside each other. Debian packages the tests need are installed
 * where apt is there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { preparePrivateRun } from './private-run.ts';
import { runSteps, type Step } from './steps.ts';

/** Programs the tests need, and Debian's packages that bring them. */
const packages: Readonly<Record<string, string>> = {
  busybox: 'busybox-static',
  debootstrap: 'debootstrap',
  ps: 'procps',
  podman: 'podman',
  runc: 'runc',
  crun: 'crun',
  dockerd: 'docker.io',
  newuidmap: 'uidmap',
  ip: 'iproute2',
  nft: 'nftables',
  skopeo: 'skopeo',
  'docker-registry': 'docker-registry',
  htpasswd: 'apache2-utils',
  setfattr: 'attr',
  setcap: 'libcap2-bin',
  openssl: 'openssl',
  curl: 'curl',
  containerd: 'containerd',
  buildah: 'buildah',
};

if (process.getuid?.() !== 0) {
  console.error('npm test needs root: it makes containers. Without root there is npm run ok.');
  process.exit(1);
}
const files = globSync(
  process.argv.length > 2 ? process.argv.slice(2) : 'test/{contracts,system,conformance,differential}/**/*.test.ts',
).sort();
const isWhole = process.argv.length === 2;
using place = preparePrivateRun();
const bundle: Step = { name: 'bundle', command: [process.execPath, 'tools/bundle.ts'] };
const caches: Step = { name: 'caches', command: place.wrap([process.execPath, 'test/support/fill-cache.ts']) };
const system: Step = {
  name: 'system',
  command: place.wrap([process.execPath, 'tools/test-lanes.ts', ...files]),
  live: true,
};
// What the tests need of others is fetched and compiled while everything else is looked at.
const codes = isWhole
  ? await Promise.all([
      runSteps([{ name: 'ok', command: [process.execPath, 'tools/ok.ts'], live: true }, bundle]),
      installPackages().then(() => runSteps([caches])),
    ])
  : [await installPackages().then(() => runSteps([bundle]))];
process.exitCode = Math.max(...codes, await runSteps([system]));

/** Mirrors come from the machine's own apt configuration. What cannot be installed is skipped by its tests, by name. */
async function installPackages(): Promise<void> {
  const missing = Object.keys(packages)
    .filter((program) => !isOnPath(program))
    .map((program) => packages[program]!);
  if (missing.length === 0 || !isOnPath('apt-get')) return;
  console.log(`installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): Promise<number | null> => {
    const child = spawn('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
    return new Promise((resolve) => child.once('close', resolve));
  };
  if ((await apt('update')) === 0) await apt('install', '-y', '--no-install-recommends', ...missing);
}

function isOnPath(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v "$0"`, program], { stdio: 'ignore' }).status === 0;
}
