/** The process that `exec`'s flags describe: the container's own, with what the flags change. */
import { capabilityBit } from '#linux';
import type { CapabilitySets, Process, RuntimeConfig, User } from '#specs';
import { errors } from '../errors.ts';

export interface ExecFlags {
  readonly cwd: string | undefined;
  readonly env: readonly string[];
  readonly tty: boolean;
  readonly user: string | undefined;
  readonly additionalGids: readonly string[];
  readonly processLabel: string | undefined;
  readonly apparmor: string | undefined;
  readonly noNewPrivs: boolean;
  readonly cap: readonly string[];
}

/** Throws `runtime.usage` for values that make no sense. */
export function execProcess(config: RuntimeConfig, flags: ExecFlags, args: readonly string[]): Process {
  const { consoleSize: _, ...own } = config.process ?? { cwd: '/' };
  return {
    ...own,
    args,
    cwd: flags.cwd ?? own.cwd,
    env: [...(own.env ?? []), ...flags.env],
    terminal: flags.tty,
    user: userOf(own.user ?? {}, flags),
    ...(flags.processLabel !== undefined && { selinuxLabel: flags.processLabel }),
    ...(flags.apparmor !== undefined && { apparmorProfile: flags.apparmor }),
    noNewPrivileges: flags.noNewPrivs || own.noNewPrivileges === true,
    capabilities: withCapabilities(own.capabilities ?? {}, flags.cap),
  };
}

/** compat: as in runc names are not looked up, and a user without group keeps the container's group. */
function userOf(own: User, { user, additionalGids }: ExecFlags): User {
  const [uid, gid, ...rest] = user === undefined ? [] : user.split(':');
  if (rest.length > 0) throw errors.usage(`--user ${user}: give UID or UID:GID`);
  return {
    ...own,
    ...(uid !== undefined && { uid: idOf(uid, 'user') }),
    ...(gid !== undefined && { gid: idOf(gid, 'user') }),
    ...(additionalGids.length > 0 && {
      additionalGids: [...(own.additionalGids ?? []), ...additionalGids.map((text) => idOf(text, 'additional-gids'))],
    }),
  };
}

function idOf(text: string, flag: string): number {
  if (/^\d+$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  throw errors.usage(`--${flag} "${text}": give a number`);
}

/** compat: runc adds to all sets but the ambient one, and to that where the container's inheritable set has members. */
function withCapabilities(own: CapabilitySets, more: readonly string[]): CapabilitySets {
  for (const name of more) {
    if (capabilityBit(name) === undefined) throw errors.usage(`--cap ${name}: there is no such capability`);
  }
  if (more.length === 0) return own;
  const add = (set: readonly string[] | undefined): string[] => [...new Set([...(set ?? []), ...more])];
  const inheritable = (own.inheritable ?? []).length > 0;
  return {
    bounding: add(own.bounding),
    permitted: add(own.permitted),
    effective: add(own.effective),
    ...(own.inheritable && { inheritable: inheritable ? add(own.inheritable) : own.inheritable }),
    ...(own.ambient && { ambient: inheritable ? add(own.ambient) : own.ambient }),
  };
}
