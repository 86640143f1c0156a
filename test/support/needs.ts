/** What a test needs of its machine. Where it is missing the test is skipped, with the reason in the report. */
import { existsSync, readFileSync } from 'node:fs';
import { isExecutable } from '#linux';

/** `root`, `network` (Debian's mirror is configured), `cgroup:NAME` for a controller, or the name of a program in PATH. */
export type Need = string;

/** For the `skip` option of tests and suites: false, or why it cannot run here. */
export function missing(...needs: readonly Need[]): string | false {
  const reasons = needs.map(reasonFor).filter((reason) => reason !== '');
  return reasons.length === 0 ? false : `needs ${reasons.join(', ')}`;
}

function reasonFor(need: Need): string {
  if (need === 'root') return process.getuid?.() === 0 ? '' : 'root';
  if (need.startsWith('cgroup:')) {
    const controller = need.slice('cgroup:'.length);
    return hasController(controller) ? '' : `the cgroup controller ${controller}`;
  }
  return programPath(need) === undefined ? `the program ${need}` : '';
}

/** The first executable file of that name in PATH and the folders of administrators' programs. */
export function programPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => `${folder}/${name}`).find(isExecutable);
}

function hasController(name: string): boolean {
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) {
    return readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ').includes(name);
  }
  return existsSync(`/sys/fs/cgroup/${name}`);
}
