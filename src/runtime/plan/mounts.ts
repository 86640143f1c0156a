/**
 * The mounts of a config, in their order: file systems, binds, id maps, propagation, and what has to be
 * made read-only only after the rest is in place.
 */
import { posix } from 'node:path';
import { AT_EMPTY_PATH, AT_RECURSIVE, MOUNT_ATTR, O, OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, RESOLVE } from '#linux';
import type { IdMapping, Mount, RuntimeConfig } from '#specs';
import { errors } from '../errors.ts';
import { planCgroupMount } from './cgroup-mounts.ts';
import type { CompileInput } from './input.ts';
import { type MountOptions, parseMountOptions } from './mount-options.ts';
import { idMapText, type NamespacePlan } from './namespaces.ts';
import { create, NONE, type Op, opFlags } from './op.ts';
import type { SlotAllocator } from './slots.ts';

export interface MountsPlan {
  /** Before the clone: id maps, and sources the mapped root could not reach. */
  readonly parent: readonly Op[];
  /** In the child, before the pivot. */
  readonly child: readonly Op[];
  /** In the child, after the pivot: late read-only marks. */
  readonly afterPivot: readonly Op[];
  /** /dev is the container's own, to be filled with nodes and links. */
  readonly ownDev: boolean;
}

interface Context {
  readonly config: RuntimeConfig;
  readonly input: CompileInput;
  readonly namespaces: NamespacePlan;
  readonly root: number;
  readonly slots: SlotAllocator;
  readonly parent: Op[];
  readonly child: Op[];
  readonly afterPivot: Op[];
}

/** Throws `invalidSpec` and `mountInProc`. */
export function planMounts(
  config: RuntimeConfig,
  input: CompileInput,
  namespaces: NamespacePlan,
  root: number,
  slots: SlotAllocator,
): MountsPlan {
  const context: Context = { config, input, namespaces, root, slots, parent: [], child: [], afterPivot: [] };
  // compat: as in runc only a bind mount over /dev keeps the runtime's nodes out; without any mount they go into the root.
  let ownDev = true;
  for (const mount of config.mounts ?? []) {
    const target = cleanDestination(mount);
    const options = parseMountOptions(mount.options ?? []);
    const isBind = options.bind || mount.type === 'bind';
    checkProc(mount, target, isBind);
    if (target === '/dev') ownDev = !isBind;
    if (isBind) planBind(context, mount, target, options);
    else if (mount.type === 'cgroup' || mount.type === 'cgroup2') planCgroup(context, target, options);
    else planFileSystem(context, mount, target, options);
  }
  return { parent: context.parent, child: context.child, afterPivot: context.afterPivot, ownDev };
}

function cleanDestination(mount: Mount): string {
  if (typeof mount.destination !== 'string' || mount.destination === '') {
    throw errors.invalidSpec(
      'mounts[].destination',
      JSON.stringify(mount.destination ?? null),
      'give an absolute path',
    );
  }
  return posix.join('/', mount.destination).replace(/(.)\/$/, '$1');
}

/** Files under /proc that may be covered, as LXCFS does. Anything else there would defeat masked paths and LSMs. */
const coverable = new Set(
  ['cpuinfo', 'diskstats', 'meminfo', 'stat', 'swaps', 'uptime', 'loadavg', 'slabinfo', 'net/dev'].map(
    (f) => `/proc/${f}`,
  ),
)
  .add('/proc/sys/kernel/ns_last_pid')
  .add('/proc/sys/crypto/fips_enabled');

function checkProc(mount: Mount, target: string, isBind: boolean): void {
  if (target === '/proc') {
    if (mount.type === 'proc' || (isBind && mount.source === '/proc')) return;
    throw errors.invalidSpec(
      'a mount over /proc',
      `type "${mount.type ?? ''}"`,
      'only a proc file system may stand there',
    );
  }
  if (target.startsWith('/proc/') && !coverable.has(target)) throw errors.mountInProc(target);
}

function planFileSystem(context: Context, mount: Mount, target: string, options: MountOptions): void {
  const { root, child, afterPivot } = context;
  const type = mount.type ?? '';
  if (type === '') {
    throw errors.invalidSpec(`mounts[] for ${target}`, 'without a type', 'give a type, or the option bind or rbind');
  }
  // A read-only tmpfs could not take the mount points and nodes that follow: it is closed after the pivot.
  const late = type === 'tmpfs' && (options.set & MOUNT_ATTR.RDONLY) !== 0;
  const label = context.config.linux?.mountLabel;
  child.push({
    op: 'mountFs',
    opFlags: options.copyUp ? opFlags.copyUp : 0,
    root,
    target,
    create: create.directory,
    type,
    source: mount.source ?? type,
    options: label ? [...options.data, `context=${label}`] : options.data,
    attributes: late ? options.set & ~MOUNT_ATTR.RDONLY : options.set,
    propagation: options.propagation[0] ?? 0,
    idmap: idmapSlot(context, mount, options),
  });
  planFurther(context, target, options, options.propagation.slice(1));
  if (late)
    afterPivot.push({ op: 'remount', root: NONE, path: target, set: MOUNT_ATTR.RDONLY, clear: 0, propagation: 0 });
}

function planBind(context: Context, mount: Mount, target: string, options: MountOptions): void {
  const { input, namespaces, parent, child, root, slots } = context;
  if (!mount.source)
    throw errors.invalidSpec(`the bind mount for ${target}`, 'without a source', 'give the path to bind');
  const source = posix.resolve(input.bundle, mount.source);
  const folder = input.sourceFolders?.[target];
  let sourceSlot = NONE;
  if (folder !== undefined) {
    sourceSlot = openInside(parent, slots, folder, mount.source);
  } else if (namespaces.isNew('user') && !input.unprivileged) {
    // The root of the new user namespace may not be allowed to walk to the source: the parent opens it.
    sourceSlot = slots.next();
    const tree = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (options.recursive ? AT_RECURSIVE : 0);
    parent.push({ op: 'openTree', slot: sourceSlot, at: NONE, path: source, flags: tree });
  }
  const hasTreeAttributes = options.recursiveSet !== 0 || options.recursiveClear !== 0;
  const idmapTree = options.idmap === 'tree';
  child.push({
    op: 'mountBind',
    opFlags:
      (options.recursive ? opFlags.recursive : 0) | (hasTreeAttributes || idmapTree ? opFlags.attributesRecursive : 0),
    root,
    target,
    create: create.likeSource,
    sourceSlot,
    source: sourceSlot === NONE ? source : '',
    set: hasTreeAttributes ? options.recursiveSet : options.set,
    clear: hasTreeAttributes ? options.recursiveClear : options.clear,
    propagation: options.propagation[0] ?? 0,
    idmap: idmapSlot(context, mount, options),
  });
  if (hasTreeAttributes && (options.set !== 0 || options.clear !== 0)) {
    child.push({ op: 'remount', root, path: target, set: options.set, clear: options.clear, propagation: 0 });
  }
  planFurther(context, target, { ...options, recursiveSet: 0, recursiveClear: 0 }, options.propagation.slice(1));
}

/** The slot of a path in a folder, as if the folder were the root of all: a tree of its own, to be bound somewhere. */
export function openInside(parent: Op[], slots: SlotAllocator, folder: string, path: string): number {
  const [root, at, slot] = [slots.next(), slots.next(), slots.next()];
  const resolve = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS;
  // kernel: what is bound in another mount namespace has to be a tree of its own.
  const tree = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH;
  parent.push(
    { op: 'open', slot: root, at: NONE, path: folder, openFlags: O.PATH | O.DIRECTORY, mode: 0, resolve: 0 },
    { op: 'open', slot: at, at: root, path, openFlags: O.PATH, mode: 0, resolve },
    { op: 'openTree', slot, at, path: '', flags: tree },
  );
  return slot;
}

function planCgroup(context: Context, target: string, options: MountOptions): void {
  const { input, namespaces, root, child } = context;
  const { hierarchies } = input.cgroup;
  child.push(...planCgroupMount({ root, target, options, hierarchies, ownNamespace: namespaces.has('cgroup') }));
}

/** What one operation cannot carry: more than one propagation, attributes of the tree on a new file system. */
function planFurther(context: Context, target: string, options: MountOptions, propagation: readonly number[]): void {
  const { root, child } = context;
  if (options.recursiveSet !== 0 || options.recursiveClear !== 0) {
    const set = options.recursiveSet;
    const clear = options.recursiveClear;
    child.push({ op: 'remount', opFlags: opFlags.attributesRecursive, root, path: target, set, clear, propagation: 0 });
  }
  for (const flags of propagation)
    child.push({ op: 'remount', root, path: target, set: 0, clear: 0, propagation: flags });
}

/** The slot of a user namespace with the mount's id maps, made by the parent; NONE without maps. */
function idmapSlot(context: Context, mount: Mount, options: MountOptions): number {
  const { config, slots, parent } = context;
  const wanted =
    options.idmap !== 'none' || (mount.uidMappings ?? []).length > 0 || (mount.gidMappings ?? []).length > 0;
  if (!wanted) return NONE;
  const uids: readonly IdMapping[] = mount.uidMappings ?? config.linux?.uidMappings ?? [];
  const gids: readonly IdMapping[] = mount.gidMappings ?? config.linux?.gidMappings ?? [];
  if (uids.length === 0 || gids.length === 0) {
    throw errors.invalidSpec(
      `the id-mapped mount for ${mount.destination}`,
      'without uidMappings and gidMappings',
      'give both for the mount, or a user namespace whose maps it can take',
    );
  }
  const slot = slots.next();
  parent.push({ op: 'idmapUserns', slot, uidMap: idMapText(uids), gidMap: idMapText(gids) });
  return slot;
}
