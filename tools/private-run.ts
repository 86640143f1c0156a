/**
 * The system tests' place: mount and pid namespaces of their own, and a `/tmp` of their own, so that nothing outlives
 * them however they end. Cgroups are nobody's but the machine's: those left empty are removed afterwards.
 */
import { existsSync, globSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';

/** Made by the peers some tests start, under names tests cannot choose. */
const PEERS = ['docker', 'libpod_parent', 'machine.slice'];

export interface PrivateRun extends Disposable {
  /** What to start instead of `command`. Whatever it has started ends with it, and it with this process. */
  wrap(command: readonly string[]): [string, ...string[]];
}

/** Needs root. Disposing it removes its `/tmp` and the cgroups that appeared meanwhile and hold nothing. */
export function preparePrivateRun(): PrivateRun {
  const folder = mkdtempSync('/var/tmp/skiff-test-run-');
  const run = `${folder.slice(-6)}-`;
  const before = new Set(cgroupsOf(run));
  return {
    // The shell stays: as the namespace's init it takes in processes whose parents have gone.
    wrap: (command) => [
      ...([
        'setpriv',
        '--pdeathsig',
        'KILL',
        '--',
        'unshare',
        '--mount',
        '--pid',
        '--fork',
        '--mount-proc',
        '--kill-child',
        '--propagation',
        'private',
      ] as const),
      ...['--', 'sh', '-c', `mount --bind "$0" /tmp && SKIFF_TEST_RUN=${run} "$@"; exit $?`, folder, ...command],
    ],
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
      for (const cgroup of cgroupsOf(run)) if (!before.has(cgroup)) removeEmpty(cgroup);
    },
  };
}

/** See `testCgroup`; peers' have the same names in every run. */
function cgroupsOf(run: string): string[] {
  return [`skiff-test-${run}*`, ...PEERS].flatMap((name) =>
    globSync([`/sys/fs/cgroup/${name}`, `/sys/fs/cgroup/*/${name}`]),
  );
}

/** From the leaves up. One that holds a process refuses, and stays. */
function removeEmpty(cgroup: string): void {
  for (const child of globSync(`${cgroup}/*/`)) removeEmpty(child);
  try {
    if (existsSync(cgroup)) rmdirSync(cgroup);
  } catch {
    console.error(`left behind: the cgroup ${cgroup}, which is in use`);
  }
}
