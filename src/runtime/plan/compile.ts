/**
 * OCI config + host facts → plan. Pure: the same input gives the same plan, which can be printed and tested without root.
 *
 * The order is that of the lifecycle in runtime.md: namespaces, cgroups, root file system, hooks, pivot, identity, program.
 */
import { CLONE, O } from '#linux';
import type { LinuxConfig, Process, RuntimeConfig } from '#specs';
import { errors } from '../errors.ts';
import { planDevices } from './devices.ts';
import { type HookState, planHooks, stateParts } from './hooks.ts';
import type { CgroupPlacement, CompileInput } from './input.ts';
import { loopbackUp, networkInside, networkOutside } from './loopback.ts';
import { planMounts } from './mounts.ts';
import { idMapText, type NamespacePlan, planNamespaces } from './namespaces.ts';
import { NONE, type Op, opFlags, type Plan } from './op.ts';
import { keyring, planEarlyProcess, planIdentity, planLabels } from './process.ts';
import { openRoot, planEnter, planRoot, propagationFlags, rootPath } from './root.ts';
import { type SlotAllocator, slotAllocator } from './slots.ts';
import { planSysctls } from './sysctls.ts';
import { planTerminal } from './terminal.ts';

/** Numbers of POST and WAIT: the two sides meet twice. */
const MAPPED = 1;
const MOUNTED = 2;
const HOOKS_DONE = 3;

/** How PIVOT enters the root. */
const CHROOT_ONLY = 2;

/** Compiles the start of a container. Throws `runtime.invalidSpec` and `runtime.unsupported`. */
export function compilePlan(config: RuntimeConfig, input: CompileInput): Plan {
  const { linux = {}, process } = config;
  if (!process) throw errors.invalidSpec('process', 'missing', 'name the program to run');
  if (!process.cwd?.startsWith('/')) {
    throw errors.invalidSpec('process.cwd', JSON.stringify(process.cwd ?? null), 'give an absolute path');
  }
  refuseWhatWeLack(linux);
  const slots = slotAllocator();
  const namespaces = planNamespaces(linux);
  const ownMounts = namespaces.has('mount');
  const root = slots.next();
  const parent: Op[] = [...namespaces.parent];
  if (!ownMounts) refuseWhatNeedsMounts(config);
  const mounts = planMounts(ownMounts ? config : { ...config, mounts: [] }, input, namespaces, root, slots);
  parent.push(...mounts.parent);
  const hookState: HookState = { id: input.id, bundle: input.bundle, annotations: config.annotations ?? {} };
  const creating = (): readonly string[] => stateParts(hookState, 'creating');
  const hooks = config.hooks ?? {};
  const runtimeHooks = planHooks([...(hooks.prestart ?? []), ...(hooks.createRuntime ?? [])], creating);

  const child: Op[] = [
    ...planArrival(namespaces, input, linux, slots, parent),
    ...(input.noNewKeyring ? [] : [keyring(input.id)]),
    ...planEarlyProcess(process, linux),
    { op: 'setsid' },
    ...(namespaces.isNew('network') ? [loopbackUp(), ...networkInside(input.network)] : []),
    ...(ownMounts ? planRoot(config, input) : []),
    openRoot(config, input, root),
    ...mounts.child,
    ...(ownMounts && mounts.ownDev ? planDevices(linux.devices ?? [], root, namespaces.has('user')) : []),
    ...makeCwd(process, input, root),
  ];
  const meets = runtimeHooks.length > 0;
  if (meets) child.push({ op: 'post', number: MOUNTED }, { op: 'wait', number: HOOKS_DONE });
  child.push(...planHooks(hooks.createContainer, creating));
  if (ownMounts) child.push(...planEnter(config, input), ...mounts.afterPivot);
  else child.push({ op: 'pivot', root: rootPath(config, input), how: CHROOT_ONLY });
  child.push(...planTerminal(process, input, ownMounts, slots, parent));
  if (config.hostname) child.push({ op: 'hostname', name: config.hostname });
  if (config.domainname) child.push({ op: 'domainname', name: config.domainname });
  child.push(...planLabels(process, input), ...planSysctls(linux, namespaces));
  child.push({ op: 'readonly', paths: linux.readonlyPaths ?? [] }, { op: 'mask', paths: linux.maskedPaths ?? [] });
  const startHooks = planHooks(hooks.startContainer, () => stateParts(hookState, 'created'));
  const identity = {
    process,
    input,
    slots,
    parent,
    noSetgroups: input.unprivileged === true,
    state: hookState,
    status: 'creating',
  } as const;
  child.push(...planIdentity(identity, startHooks));

  parent.push(...planDeviceFilter(input.cgroup));
  parent.push({ op: 'clone', flags: namespaces.cloneFlags, cgroup: openCgroup(input.cgroup, slots, parent) });
  parent.push(...planIdMaps(namespaces, linux, input), ...networkOutside(input.network));
  if (input.awaitsCgroups) parent.push({ op: 'await' });
  parent.push({ op: 'post', number: MAPPED });
  if (meets) parent.push({ op: 'wait', number: MOUNTED }, ...runtimeHooks, { op: 'post', number: HOOKS_DONE });
  return { parent, child };
}

function refuseWhatWeLack(linux: LinuxConfig): void {
  if (linux.intelRdt) throw errors.unsupported('linux.intelRdt', 'this runtime does not manage resctrl');
  if (Object.keys(linux.netDevices ?? {}).length > 0) {
    throw errors.unsupported('linux.netDevices', 'moving host interfaces into a container is not done yet');
  }
  if (linux.rootfsPropagation && !(linux.rootfsPropagation in propagationFlags)) {
    const known = Object.keys(propagationFlags).join(', ');
    throw errors.invalidSpec('linux.rootfsPropagation', `"${linux.rootfsPropagation}"`, `use one of ${known}`);
  }
}

/**
 * Without a mount namespace of its own a container lives on the host's mounts: it is put into its root by chroot, and
 * nothing can be mounted, as the host would see it. Throws `invalidSpec` for what would promise protection then.
 */
function refuseWhatNeedsMounts({ linux = {}, root }: RuntimeConfig): void {
  const hint = 'it needs a mount namespace of the container';
  if ((linux.maskedPaths ?? []).length > 0) throw errors.invalidSpec('linux.maskedPaths', 'not possible', hint);
  if ((linux.readonlyPaths ?? []).length > 0) throw errors.invalidSpec('linux.readonlyPaths', 'not possible', hint);
  if (root?.readonly) throw errors.invalidSpec('root.readonly', 'true', hint);
  if (linux.rootfsPropagation) {
    throw errors.invalidSpec('linux.rootfsPropagation', `"${linux.rootfsPropagation}"`, hint);
  }
}

/** Into the cgroups by the host's paths, then the namespaces that change paths and rights. */
function planArrival(
  namespaces: NamespacePlan,
  input: CompileInput,
  linux: LinuxConfig,
  slots: SlotAllocator,
  parent: Op[],
): Op[] {
  const ops: Op[] = [{ op: 'wait', number: MAPPED }];
  const inUserNamespace = namespaces.isNew('user');
  for (const path of input.cgroup.tasks) {
    if (!inUserNamespace) {
      ops.push({ op: 'writeFile', at: NONE, path, data: '0', openFlags: O.WRONLY, mode: 0 });
      continue;
    }
    // kernel: the right to move a task is checked against who opened the file: the parent does.
    const tasks = slots.next();
    parent.push({ op: 'open', slot: tasks, at: NONE, path, openFlags: O.WRONLY | O.CLOEXEC, mode: 0, resolve: 0 });
    ops.push({ op: 'writeFile', at: tasks, path: '', data: '0', openFlags: 0, mode: 0 }, { op: 'close', slot: tasks });
  }
  ops.push(...namespaces.child);
  if (namespaces.has('user') && (inUserNamespace ? (linux.uidMappings ?? []).length > 0 : true)) {
    const flags = input.unprivileged ? opFlags.noSetgroups : 0;
    ops.push({ op: 'user', opFlags: flags, uid: 0, gid: 0, groups: [] });
  }
  if (namespaces.unshareCgroup) ops.push({ op: 'unshare', flags: CLONE.NEWCGROUP });
  return ops;
}

/** Docker and runc make a missing working folder; it has to happen while the root can still be written. */
function makeCwd(process: Process, input: CompileInput, root: number): Op[] {
  if (!input.makeCwd || process.cwd === '/') return [];
  const { uid, gid } = input.makeCwd;
  return [{ op: 'mkdirIn', root, path: process.cwd, mode: 0o755, uid, gid }];
}

function planDeviceFilter({ deviceProgram }: CgroupPlacement): Op[] {
  return deviceProgram ? [{ op: 'bpfDevice', cgroup: deviceProgram.folder, program: deviceProgram.program }] : [];
}

function openCgroup(cgroup: CgroupPlacement, slots: SlotAllocator, parent: Op[]): number {
  if (cgroup.folder === undefined) return NONE;
  const opened = slots.next();
  const openFlags = O.PATH | O.DIRECTORY | O.CLOEXEC;
  parent.push({ op: 'open', slot: opened, at: NONE, path: cgroup.folder, openFlags, mode: 0, resolve: 0 });
  return opened;
}

function planIdMaps(namespaces: NamespacePlan, linux: LinuxConfig, input: CompileInput): Op[] {
  if (!namespaces.isNew('user')) return [];
  const ops: Op[] = [];
  if ((linux.uidMappings ?? []).length > 0) {
    ops.push({ op: 'writeProc', name: 'uid_map', data: idMapText(linux.uidMappings!) });
  }
  if ((linux.gidMappings ?? []).length > 0) {
    // kernel: without rights the groups can only be mapped once setgroups is denied for good (user_namespaces(7)).
    if (input.unprivileged) ops.push({ op: 'writeProc', name: 'setgroups', data: 'deny' });
    ops.push({ op: 'writeProc', name: 'gid_map', data: idMapText(linux.gidMappings!) });
  }
  return ops;
}
