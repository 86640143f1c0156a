/** A mount of type `cgroup`: on v2 the unified file system, on v1 and hybrid hosts a tmpfs with one mount per hierarchy. */
import { MOUNT_ATTR } from '#linux';
import type { CgroupHierarchy } from './input.ts';
import type { MountOptions } from './mount-options.ts';
import { create, NONE, type Op, opFlags } from './op.ts';

export interface CgroupMountInput {
  readonly root: number;
  readonly target: string;
  readonly options: MountOptions;
  readonly hierarchies: readonly CgroupHierarchy[];
  /** The container has its own cgroup namespace: a fresh mount shows its own subtree. Otherwise its folder is bound. */
  readonly ownNamespace: boolean;
}

/** spec: config-linux.md, "Default Filesystems"; runc and crun lay v1 out in the same way. */
export function planCgroupMount(input: CgroupMountInput): Op[] {
  const unified = input.hierarchies.find((hierarchy) => hierarchy.version === 2);
  if (unified && input.hierarchies.length === 1) return [mountHierarchy(input, unified, input.target)];
  const { root, target, options } = input;
  const keep = MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC;
  const ops: Op[] = [
    {
      op: 'mountFs',
      root,
      target,
      create: create.directory,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['mode=755'],
      attributes: keep,
      propagation: 0,
      idmap: NONE,
    },
  ];
  for (const hierarchy of input.hierarchies) {
    ops.push(mountHierarchy(input, hierarchy, `${target}/${hierarchy.name}`));
    const controllers = hierarchy.name.split(',');
    if (controllers.length === 1) continue;
    for (const name of controllers)
      ops.push({ op: 'symlink', root, target: hierarchy.name, path: `${target}/${name}` });
  }
  if ((options.set & MOUNT_ATTR.RDONLY) !== 0) {
    ops.push({ op: 'remount', root, path: target, set: MOUNT_ATTR.RDONLY, clear: 0, propagation: 0 });
  }
  return ops;
}

function mountHierarchy(input: CgroupMountInput, hierarchy: CgroupHierarchy, target: string): Op {
  const { root, options, ownNamespace } = input;
  if (ownNamespace) {
    return {
      op: 'mountFs',
      root,
      target,
      create: create.directory,
      type: hierarchy.version === 2 ? 'cgroup2' : 'cgroup',
      source: 'cgroup',
      options: hierarchy.version === 2 ? [] : hierarchy.options,
      attributes: options.set,
      propagation: 0,
      idmap: NONE,
    };
  }
  return {
    op: 'mountBind',
    opFlags: opFlags.attributesRecursive,
    root,
    target,
    create: create.directory,
    sourceSlot: NONE,
    source: hierarchy.folder,
    set: options.set,
    clear: options.clear & ~options.set,
    propagation: 0,
    idmap: NONE,
  };
}
