/** Kernel parameters of the container's own namespaces. */
import { O } from '#linux';
import type { LinuxConfig } from '#specs';
import { errors } from '../errors.ts';
import type { NamespacePlan } from './namespaces.ts';
import { NONE, type Op } from './op.ts';

/** Throws `invalidSpec` for a parameter that is the host's. */
export function planSysctls(linux: LinuxConfig, namespaces: NamespacePlan): Op[] {
  return Object.entries(linux.sysctl ?? {}).map(([key, value]) => {
    checkSysctl(key, namespaces);
    return writeSysctl(key, value);
  });
}

/** Whether a parameter is the network namespace's. */
export const isNetworkSysctl = (key: string): boolean => sysctlPath(key).startsWith('net/');

/** Sets one in the namespaces of who performs it. */
export function writeSysctl(key: string, value: string): Op {
  const path = `/proc/sys/${sysctlPath(key)}`;
  return { op: 'writeFile', at: NONE, path, data: value, openFlags: O.WRONLY, mode: 0 };
}

/** sysctl.d(5): whichever of `.` and `/` comes first separates; the other stands for itself inside a name. */
function sysctlPath(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  return first === '/' ? key : key.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}

/** Only what belongs to one of the container's own namespaces may be set: the rest is the host's. */
function checkSysctl(key: string, namespaces: NamespacePlan): void {
  const path = sysctlPath(key);
  const needs = path.startsWith('net/')
    ? 'network'
    : path.startsWith('fs/mqueue/') || ipcSysctls.has(path)
      ? 'ipc'
      : path === 'kernel/domainname' || path === 'kernel/hostname'
        ? 'uts'
        : path.startsWith('user/')
          ? 'user'
          : undefined;
  if (!needs || path.split('/').includes('..')) {
    throw errors.invalidSpec(`linux.sysctl "${key}"`, 'not namespaced', 'it would change the whole host');
  }
  if (!namespaces.has(needs)) {
    throw errors.invalidSpec(
      `linux.sysctl "${key}"`,
      `the host's own`,
      `it needs a ${needs} namespace of the container`,
    );
  }
}

const ipcSysctls = new Set(
  ['msgmax', 'msgmnb', 'msgmni', 'sem', 'shmall', 'shmmax', 'shmmni', 'shm_rmid_forced'].map(
    (name) => `kernel/${name}`,
  ),
);
