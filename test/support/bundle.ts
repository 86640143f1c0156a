/** Bundles for tests of the OCI command line: a root file system of busybox, and a config to change. */
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Process, RuntimeConfig } from '#specs';

export const runtimeProgram = fileURLToPath(new URL('../../bin/skiff-runtime', import.meta.url));

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));

/** Why tests with real containers cannot run here, or false. */
export function reasonToSkip(...programs: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  if (BUSYBOX === undefined) return 'needs busybox (package busybox-static)';
  const missing = programs.find((program) => !isInstalled(program));
  return missing === undefined ? false : `needs ${missing}`;
}

/** Makes `folder` a root file system with busybox under all its names, and the users root and dan. */
export function makeRootfs(folder: string): void {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']) mkdirSync(`${folder}/${name}`, { recursive: true });
  copyFileSync(BUSYBOX!, `${folder}/bin/busybox`);
  const names = execFileSync(BUSYBOX!, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of names) if (name !== 'busybox') symlinkSync('busybox', `${folder}/bin/${name}`);
  writeFileSync(`${folder}/etc/passwd`, 'root:x:0:0::/root:/bin/sh\ndan:x:1000:1000::/home/dan:/bin/sh\n');
  writeFileSync(`${folder}/etc/group`, 'root:x:0:\ndan:x:1000:\n');
}

export interface ConfigChange extends Omit<Partial<RuntimeConfig>, 'process'> {
  readonly process?: Partial<Process>;
}

/** A config as `spec` writes it, without terminal, in a cgroup of its own; `change` is merged at the top two levels. */
export function config(cgroupsPath: string, change: ConfigChange = {}): RuntimeConfig {
  const base: RuntimeConfig = {
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    hostname: 'test',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
    ],
    process: { cwd: '/', args: ['true'], env: ['PATH=/bin'], user: { uid: 0, gid: 0 } },
    linux: {
      cgroupsPath,
      namespaces: (['mount', 'pid', 'network', 'uts', 'ipc'] as const).map((type) => ({ type })),
    },
  };
  return {
    ...base,
    ...change,
    process: { ...base.process!, ...change.process },
    linux: { ...base.linux, ...change.linux },
  };
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
