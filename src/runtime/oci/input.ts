/** What `create` and `exec` put into a plan alike: filter, home, device rules, inherited descriptors. */
import { readlinkSync } from 'node:fs';
import { errnoCode } from '#base';
import { type HostFacts, isSystemdPath, readRootFile } from '#linux';
import type { DeviceRule, Process, Resources, RuntimeConfig, Seccomp } from '#specs';
import { runtimeDeviceRules } from '../default-spec.ts';
import { errors } from '../errors.ts';
import type { SeccompProgram } from '../plan/input.ts';
import { compileFilter } from '../seccomp/program.ts';
import { resolveUser } from '../users.ts';

/** The compiled filter of a config, as a property to spread; none when there is no filter. Throws `seccomp.*`. */
export function seccompInput(seccomp: Seccomp | undefined, facts: HostFacts): { seccomp?: SeccompProgram } {
  if (!seccomp) return {};
  return { seccomp: compileFilter(seccomp, { arch: process.arch, kernel: facts.kernel }) };
}

/** The home folder of the process's user, from the /etc/passwd of its root file system. */
export function homeOf({ user }: Process, rootfs: string): string {
  const passwd = readRootFile([rootfs], '/etc/passwd') ?? '';
  return resolveUser(String(user?.uid ?? 0), { passwd, group: '' }).home;
}

/**
 * The limits with the device rules of every container around those of the config.
 * spec: config-linux.md, "Allowed Device List". compat: runc starts from "nothing" and ends with its own devices, too.
 */
export function withDeviceRules(resources: Resources): Resources {
  const nothing: DeviceRule = { allow: false, access: 'rwm' };
  return { ...resources, devices: [nothing, ...(resources.devices ?? []), ...runtimeDeviceRules] };
}

/**
 * By default absolute from the hierarchy's root, as no other place is known to have room for a child.
 * Throws `runtime.invalidSpec` when `--systemd-cgroup` is given and the path is not systemd's.
 */
export function cgroupsPathOf(config: RuntimeConfig, id: string, systemd: boolean): string {
  const path = config.linux?.cgroupsPath ?? '';
  if (path === '') return systemd ? `system.slice:skiff:${id}` : `/skiff-runtime/${id}`;
  if (systemd && !isSystemdPath(path)) {
    throw errors.invalidSpec(
      'linux.cgroupsPath',
      `"${path}"`,
      'with --systemd-cgroup it has the form slice:prefix:name',
    );
  }
  return path;
}

/** How many descriptors from 3 on the container inherits, and what it is told about those of socket activation. */
export interface Inherited {
  readonly preserveFds: number;
  readonly env: readonly string[];
}

/**
 * `--preserve-fds` comes on top of the sockets systemd handed over (sd_listen_fds(3)).
 * Throws `runtime.usage` when one of them is not open.
 */
export function inheritedFds(wanted: number, env: NodeJS.ProcessEnv = process.env): Inherited {
  const listening = Number(env['LISTEN_PID']) === process.pid ? Number(env['LISTEN_FDS'] ?? 0) : 0;
  const preserveFds = wanted + listening;
  for (let fd = 3; fd < 3 + preserveFds; fd++) {
    if (!isInherited(fd)) {
      throw errors.usage(`cannot preserve file descriptor ${fd} (of ${preserveFds} from 3 on): it is not open`);
    }
  }
  // The program is process 1 of its pid namespace, as systemd's convention wants to know.
  return { preserveFds, env: listening > 0 ? [`LISTEN_FDS=${listening}`, 'LISTEN_PID=1'] : [] };
}

/** Node's own descriptors follow the inherited ones; the first of them is that of an event loop, which no caller passes on. */
function isInherited(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventpoll]';
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** compat: runc's two rules about who receives a terminal. Throws `runtime.usage`. */
export function checkConsole(terminal: boolean, detached: boolean, consoleSocket: string | undefined): void {
  if (consoleSocket === undefined && terminal && detached) {
    throw errors.usage('a terminal (process.terminal) needs --console-socket when the command does not stay');
  }
  if (consoleSocket !== undefined && !(terminal && detached)) {
    throw errors.usage('--console-socket is only for a process with a terminal, when the command does not stay');
  }
}
