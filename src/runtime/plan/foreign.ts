/**
 * A container that another OCI runtime makes: the plan of the world that runtime runs in, and the config it is given. Pure.
 *
 * What is ours stays ours: the overlay is mounted and the network made in namespaces of the plan's child, which then becomes
 * the runtime. It is told to use them as they are, and everything else by the config.
 */
import { posix } from 'node:path';
import { CLONE, O } from '#linux';
import type { Mount, NamespaceType, Process, RuntimeConfig, Seccomp } from '#specs';
import { errors } from '../errors.ts';
import type { CompileInput, Hold } from './input.ts';
import { loopbackUp, networkInside, networkOutside } from './loopback.ts';
import { openInside } from './mounts.ts';
import { create, NONE, type Op, opFlags, type Plan, slots as reserved } from './op.ts';
import { environment } from './process.ts';
import { planRoot, rootPath } from './root.ts';
import { type SlotAllocator, slotAllocator } from './slots.ts';
import { isNetworkSysctl, writeSysctl } from './sysctls.ts';

/** Number of POST and WAIT: the child's network is there. */
const CONNECTED = 1;

/** The runtime's own command line. */
export interface ForeignCommand {
  /** Paths it may be at. */
  readonly candidates: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
}

export interface ForeignInput extends Pick<CompileInput, 'bundle' | 'facts' | 'overlay' | 'network' | 'sourceFolders'> {
  readonly command: ForeignCommand;
  readonly seccomp?: Seccomp;
  /** HOME for a process whose environment has none. */
  readonly home: string;
}

export interface ForeignStart {
  readonly plan: Plan;
  /** For the bundle. */
  readonly config: RuntimeConfig;
}

/** Compiles the runtime's `create`. Throws `runtime.invalidSpec`. */
export function compileForeign(config: RuntimeConfig, input: ForeignInput): ForeignStart {
  const { linux = {}, process } = config;
  if (!process) throw errors.invalidSpec('process', 'missing', 'name the program to run');
  const slots = slotAllocator();
  const ownNetwork = (linux.namespaces ?? []).some(({ type, path }) => type === 'network' && path === undefined);
  const sysctls = Object.entries(linux.sysctl ?? {});
  const staged = stageSources(config.mounts ?? [], input, slots);
  const network = sysctls.filter(([key]) => ownNetwork && isNetworkSysctl(key));
  const child: Op[] = [
    { op: 'wait', number: CONNECTED },
    { op: 'setsid' },
    ...(ownNetwork ? [loopbackUp(), ...networkInside(input.network)] : []),
    ...network.map(([key, value]) => writeSysctl(key, value)),
    ...planRoot(config, input),
    ...staged.child,
    ...become(input.command, input.bundle, process, slots, { by: 'nobody' }),
  ];
  const parent: Op[] = [
    ...staged.parent,
    { op: 'clone', flags: CLONE.NEWNS | (ownNetwork ? CLONE.NEWNET : 0), cgroup: NONE },
    ...networkOutside(input.network),
    { op: 'post', number: CONNECTED },
  ];
  const given: RuntimeConfig = {
    ...config,
    // Older runtimes refuse versions newer than themselves, and there is nothing here that this one has not.
    ociVersion: '1.0.2',
    root: { ...config.root, path: rootPath(config, input) },
    process: { ...process, env: environment(process, input.home) },
    mounts: staged.mounts,
    linux: {
      ...linux,
      namespaces: namespacesFor(linux.namespaces ?? []),
      sysctl: Object.fromEntries(sysctls.filter((each) => !network.includes(each))),
      ...(input.seccomp ? { seccomp: input.seccomp } : {}),
    },
  };
  return { plan: { parent, child }, config: given };
}

/** Compiles the runtime's `exec`, which finds the container by itself. */
export function compileForeignExec(process: Process, command: ForeignCommand, bundle: string, hold: Hold): Plan {
  const slots = slotAllocator();
  return {
    parent: [
      { op: 'clone', flags: 0, cgroup: NONE },
      { op: 'post', number: CONNECTED },
    ],
    child: [{ op: 'wait', number: CONNECTED }, { op: 'setsid' }, ...become(command, bundle, process, slots, hold)],
  };
}

/**
 * The network's is the one the runtime is in already. It has to be named all the same: an exec joins those that are, and is
 * in the host's of any other kind. Without a time namespace, as Docker's: older runtimes know none.
 */
function namespacesFor(namespaces: readonly { readonly type: NamespaceType; readonly path?: string }[]) {
  return namespaces
    .filter(({ type, path }) => type !== 'time' || path !== undefined)
    .map((each) =>
      each.type === 'network' && each.path === undefined ? { ...each, path: '/proc/self/ns/net' } : each,
    );
}

/** The child becomes the runtime, in the bundle, where the relative paths of its command line start from. */
function become(command: ForeignCommand, bundle: string, process: Process, slots: SlotAllocator, hold: Hold): Op[] {
  const { candidates, args, env } = command;
  const devNull = slots.next();
  const streams = [reserved.stdin, reserved.stdout, reserved.stderr];
  const nowhere: Op[] = [
    { op: 'open', slot: devNull, at: NONE, path: '/dev/null', openFlags: O.RDWR | O.CLOEXEC, mode: 0, resolve: 0 },
    ...streams.map((to): Op => ({ op: 'dup', from: devNull, to })),
  ];
  return [
    { op: 'chdir', path: bundle },
    // A container with a terminal gets its streams from the runtime, which itself needs none.
    ...(process.terminal ? nowhere : []),
    { op: 'stdio' },
    { op: 'findExec', candidates },
    ...(hold.by === 'parent' ? [{ op: 'hold', listener: NONE } as const] : []),
    { op: 'closeFds', keep: 0 },
    { op: 'exec', candidates, args, env },
  ];
}

/** Sources that must not lead out of a folder: opened by us, and given to the runtime as mounts of their own. */
function stageSources(
  mounts: readonly Mount[],
  { bundle, sourceFolders = {} }: Pick<ForeignInput, 'bundle' | 'sourceFolders'>,
  slots: SlotAllocator,
): { readonly parent: Op[]; readonly child: Op[]; readonly mounts: Mount[] } {
  const parent: Op[] = [];
  const child: Op[] = [];
  const staged = mounts.map((mount, index): Mount => {
    const folder = sourceFolders[posix.normalize(mount.destination)];
    if (folder === undefined) return mount;
    const target = `${bundle}/source-${index}`;
    child.push({
      op: 'mountBind',
      opFlags: opFlags.recursive,
      ...{ root: NONE, target, create: create.likeSource, source: '' },
      sourceSlot: openInside(parent, slots, folder, mount.source ?? ''),
      ...{ set: 0, clear: 0, propagation: 0, idmap: NONE },
    });
    return { ...mount, source: target };
  });
  return { parent, child, mounts: staged };
}
