/**
 * Everything: `ok`, then the system, conformance and differential tests on the real kernel, as root.
 *
 * They run in namespaces of their own, so that what a test leaves mounted or running ends with it; tests look for such
 * leaks themselves. Debian packages the tests need are installed first where apt is there.
 */
import { spawnSync } from 'node:child_process';
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
installPackages();
const files = globSync(
  process.argv.length > 2 ? process.argv.slice(2) : 'test/{contracts,system,conformance,differential}/**/*.test.ts',
).sort();
const tests = ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files];
using place = preparePrivateRun();
const steps: Step[] = [
  { name: 'ok', command: [process.execPath, 'tools/ok.ts'], live: true },
  { name: 'bundle', command: [process.execPath, 'tools/bundle.ts'] },
  {
    name: 'system',
    command: place.wrap([process.execPath, ...tests]),
    live: true,
  },
];
process.exitCode = await runSteps(process.argv.length > 2 ? steps.slice(1) : steps);

/** Mirrors come from the machine's own apt configuration. What cannot be installed is skipped by its tests, by name. */
function installPackages(): void {
  const missing = Object.keys(packages)
    .filter((program) => !isOnPath(program))
    .map((program) => packages[program]!);
  if (missing.length === 0 || !isOnPath('apt-get')) return;
  console.log(`installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): number | null =>
    spawnSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env }).status;
  if (apt('update') === 0) apt('install', '-y', '--no-install-recommends', ...missing);
}

function isOnPath(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v "$0"`, program], { stdio: 'ignore' }).status === 0;
}
