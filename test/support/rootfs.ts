/** Root file systems for tests, as tar archives kept in a cache: busybox with the probe program, and Debian. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { programPath } from './needs.ts';

/** What is made for tests once, and kept for later runs. */
export const CACHE = process.env['SKIFF_TEST_CACHE'] ?? '/var/cache/skiff-test';

const FILES: Readonly<Record<string, string>> = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\ntester:x:1000:1000::/home/tester:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
  'etc/group': 'root:x:0:\ntester:x:1000:\nstaff:x:50:tester\nnogroup:x:65534:\n',
};

/** Path of a tar with busybox, its applets, three users and, where there is a C compiler, `probe` and `traffic`. */
export function busyboxTar(): string {
  const programs = ['probe', 'traffic'].map((name) => ({ name, source: `${import.meta.dirname}/${name}.c` }));
  const busybox = programPath('busybox')!;
  const key = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .update(programs.map(({ source }) => readFileSync(source, 'utf8')).join('\n'))
    .update(readFileSync(busybox))
    .digest('hex');
  return cached(`busybox-${key.slice(0, 16)}.tar`, (folder) => {
    for (const name of ['bin', 'etc', 'root', 'tmp', 'mnt', 'home/tester']) {
      mkdirSync(`${folder}/${name}`, { recursive: true });
    }
    copyFileSync(busybox, `${folder}/bin/busybox`);
    const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n');
    const links = applets.filter((name) => name !== '' && name !== 'busybox');
    execFileSync('/bin/sh', ['-c', 'for name; do ln -s busybox "$name"; done', 'sh', ...links], {
      cwd: `${folder}/bin`,
    });
    for (const [path, text] of Object.entries(FILES)) writeFileSync(`${folder}/${path}`, text);
    execFileSync('chmod', ['1777', `${folder}/tmp`]);
    execFileSync('chown', ['1000:1000', `${folder}/home/tester`]);
    if (!programPath('cc')) return;
    for (const { name, source } of programs) {
      execFileSync('cc', ['-O1', '-static', '-Wall', '-o', `${folder}/bin/${name}`, source]);
    }
  });
}

/** Path of a tar of a minimal Debian, as debootstrap makes it from the mirror this machine's apt uses. */
export function debianTar(): string {
  const { mirror, suite } = debianSource()!;
  return cached(`debian-${suite}.tar`, (folder) => {
    execFileSync(
      programPath('debootstrap')!,
      ['--variant=minbase', '--include=ca-certificates,procps', suite, folder, mirror],
      { stdio: ['ignore', 'ignore', 'pipe'], timeout: 900_000, killSignal: 'SIGKILL' },
    );
    for (const path of globSync(`${folder}/var/cache/apt/archives/*.deb`)) rmSync(path);
    for (const [path, text] of Object.entries(aptConfiguration())) writeFileSync(`${folder}${path}`, text);
  });
}

/** Path of a tar of that Debian with PostgreSQL, Redis and nginx as its packages install them. */
export function servicesTar(): string {
  return debianWith('services', 'postgresql redis-server nginx-light curl', 900_000);
}

/** Path of a tar of that Debian with compilers and interpreters people build with; takes minutes and more than a gigabyte. */
export function toolchainsTar(): string {
  const packages =
    'gcc libc6-dev make python3 python3-venv nodejs npm golang-go default-jdk-headless git nginx-light postgresql';
  return debianWith('toolchains', packages, 1_200_000);
}

function debianWith(name: string, packages: string, timeout: number): string {
  const debian = debianTar();
  return cached(`${name}-${debianSource()!.suite}.tar`, (folder) => {
    execFileSync('tar', ['--numeric-owner', '-C', folder, '-xf', debian]);
    // Nothing is to be started while it is installed.
    writeFileSync(`${folder}/usr/sbin/policy-rc.d`, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    copyFileSync('/etc/resolv.conf', `${folder}/etc/resolv.conf`);
    const install = `mount -t proc proc /proc && apt-get update -q && apt-get install -qy --no-install-recommends ${packages} && apt-get clean`;
    execFileSync('unshare', ['--mount', '--propagation', 'private', 'chroot', folder, 'sh', '-c', install], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      timeout,
      killSignal: 'SIGKILL',
    });
    rmSync(`${folder}/usr/sbin/policy-rc.d`);
  });
}

/** The first mirror of Debian that this machine's apt is told to use; undefined on other systems. */
export function debianSource(): { mirror: string; suite: string } | undefined {
  for (const path of ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*.list')].filter(existsSync)) {
    const match = /^deb\s+(?:\[[^\]]*\]\s+)?(https?:\S+\/debian\/?)\s+(\S+)/m.exec(readFileSync(path, 'utf8'));
    if (match) return { mirror: match[1]!, suite: match[2]! };
  }
  for (const path of globSync('/etc/apt/sources.list.d/*.sources')) {
    for (const stanza of readFileSync(path, 'utf8').split(/\n\n+/)) {
      const mirror = /^URIs:\s*(https?:\S+\/debian\/?)(?:\s|$)/m.exec(stanza)?.[1];
      const suite = /^Suites:\s*(\S+)/m.exec(stanza)?.[1];
      if (mirror !== undefined && suite !== undefined) return { mirror, suite };
    }
  }
  return undefined;
}

/** What this machine's apt needs to reach the mirror: proxies, and the certificates they are trusted by. */
function aptConfiguration(): Record<string, string> {
  const proxies = execFileSync('apt-config', ['dump'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => /^Acquire::https?::Proxy\b/.test(line));
  return proxies.length === 0 ? {} : { '/etc/apt/apt.conf.d/99proxy': `${proxies.join('\n')}\n` };
}

/** A folder of the cache, made at first use. */
export function cachedFolder(name: string, fill: (folder: string) => void): string {
  const path = `${CACHE}/${name}`;
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(`${CACHE}/making-`);
  try {
    fill(work);
    renameSync(work, path);
    return path;
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
}

/** The archive of that name, made at first use. Made elsewhere and renamed: two tests may want it at once. */
function cached(name: string, fill: (folder: string) => void): string {
  const path = `${CACHE}/${name}`;
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(`${CACHE}/making-`);
  try {
    const root = `${work}/root`;
    mkdirSync(root);
    fill(root);
    execFileSync('tar', ['--numeric-owner', '--one-file-system', '-C', root, '-cf', `${work}/tar`, '.']);
    renameSync(`${work}/tar`, path);
    return path;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
