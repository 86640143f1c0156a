/** What a daemon may leave behind, found by looking at the kernel and the disk. */
import { existsSync, globSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';

/** The name of a test's cgroup: `tools/private-run.ts` removes those of its own run, and of no other that goes on beside it. */
export const testCgroup = (name: string): string => `skiff-test-${process.env['SKIFF_TEST_RUN'] ?? ''}${name}`;

export interface Traces {
  /** The daemon's folder of data, exec root and socket. */
  readonly folder: string;
  /** Such as `/skiff-test-12`. */
  readonly cgroupParent: string;
  /** In the environment of the daemon and what it started, until a title is written over it. */
  readonly mark: string;
  /** Ids of containers, which shims have in their titles. */
  readonly ids: readonly string[];
}

export interface Process {
  readonly pid: number;
  readonly command: string;
}

/** Processes that belong to a daemon: by environment, by the title of a shim, or by cgroup. Zombies are dead. */
export function processesOf(traces: Traces): Process[] {
  const ids = new Set(traces.ids);
  return allPids().flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    const title = /^skiff-shim ([0-9a-f]+)/.exec(command)?.[1];
    const belongs =
      (title !== undefined && ids.has(title)) ||
      read(`/proc/${pid}/environ`).includes(traces.mark) ||
      read(`/proc/${pid}/cgroup`).includes(`:${traces.cgroupParent}/`);
    return belongs && !isDead(pid) ? [{ pid, command }] : [];
  });
}

/** Mount points below the folder that this process sees. */
export function mountsOf({ folder }: Traces): string[] {
  return read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line.includes(folder));
}

/** Folders of the containers' cgroups, in every hierarchy. */
export function cgroupsOf({ cgroupParent }: Traces): string[] {
  return parentFolders(cgroupParent).flatMap((parent) => globSync(`${parent}/*/`));
}

/** The containers' that a failed test left, and the parent, which is the test's: it chose the name. */
export function removeCgroups(traces: Traces): void {
  for (const folder of [...cgroupsOf(traces), ...parentFolders(traces.cgroupParent)]) {
    try {
      rmdirSync(folder);
    } catch {
      // Something is still in it, and has been reported.
    }
  }
}

function parentFolders(cgroupParent: string): string[] {
  return globSync(['/sys/fs/cgroup', '/sys/fs/cgroup/*/'])
    .map((mount) => mount.replace(/\/$/, '') + cgroupParent)
    .filter((folder) => existsSync(folder));
}

/** Files of containers below data and exec root: records, images and volumes are to stay, everything else is one. */
export function filesOf({ folder }: Traces): string[] {
  return globSync([
    `${folder}/data/containers/*`,
    `${folder}/data/volumes/*/_new`,
    `${folder}/exec/containers/*`,
    `${folder}/exec/rootfs/*`,
    `${folder}/exec/build/*`,
    `${folder}/data/build/incoming/*`,
    `${folder}/*.sock`,
    `${folder}/*.pid`,
  ]);
}

export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function isDead(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' || /\) [ZX] /.test(stat);
}

/** Processes come and go: what cannot be read is empty. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
