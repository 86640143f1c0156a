/** The root file system of a container: mounted in a mount namespace of its own, opened, entered. */
import { posix } from 'node:path';
import { MS, O } from '#linux';
import type { RootfsPropagation, RuntimeConfig } from '#specs';
import { errors } from '../errors.ts';
import type { CompileInput } from './input.ts';
import { create, NONE, type Op, opFlags } from './op.ts';

type RootInput = Pick<CompileInput, 'bundle' | 'overlay' | 'facts'>;

export const propagationFlags: Readonly<Record<RootfsPropagation, number>> = {
  private: MS.PRIVATE | MS.REC,
  slave: MS.SLAVE | MS.REC,
  shared: MS.SHARED | MS.REC,
  unbindable: MS.UNBINDABLE | MS.REC,
};

/** The root: a folder bound onto itself, or an overlay that exists only in this mount namespace. */
export function planRoot(config: RuntimeConfig, input: RootInput): Op[] {
  const path = rootPath(config, input);
  const propagation = config.linux?.rootfsPropagation;
  // kernel: what is unbindable cannot be bound, not even onto itself: that comes once the root has been entered.
  const early = propagation === 'unbindable' ? 'private' : propagation;
  const ops: Op[] = [
    { op: 'propagation', at: NONE, path: '/', flags: early ? propagationFlags[early] : MS.SLAVE | MS.REC },
  ];
  if (propagation === 'shared') {
    // kernel: pivot_root refuses a root whose parent mount is shared.
    ops.push({ op: 'propagation', at: NONE, path: input.facts.mountPointOf(path), flags: MS.PRIVATE });
  }
  if (input.overlay) {
    const { options } = input.overlay;
    const common = { root: NONE, target: path, create: create.nothing, idmap: NONE } as const;
    ops.push({
      op: 'mountFs',
      ...common,
      type: 'overlay',
      source: 'overlay',
      options,
      attributes: 0,
      propagation: MS.PRIVATE,
    });
  } else {
    ops.push({
      op: 'mountBind',
      opFlags: opFlags.recursive,
      root: NONE,
      target: path,
      create: create.nothing,
      sourceSlot: NONE,
      source: path,
      set: 0,
      clear: 0,
      propagation: propagation === 'shared' ? 0 : MS.PRIVATE,
      idmap: NONE,
    });
  }
  return ops;
}

/** Opens it, into the slot `root`. */
export function openRoot(config: RuntimeConfig, input: RootInput, root: number): Op {
  const openFlags = O.PATH | O.DIRECTORY | O.CLOEXEC;
  return { op: 'open', slot: root, at: NONE, path: rootPath(config, input), openFlags, mode: 0, resolve: 0 };
}

/** The absolute path the container's root is mounted on. Throws `invalidSpec`. */
export function rootPath(config: RuntimeConfig, input: Omit<RootInput, 'facts'>): string {
  if (input.overlay) return input.overlay.target;
  if (!config.root?.path) throw errors.invalidSpec('root.path', 'missing', "give the root file system's folder");
  const path = posix.resolve(input.bundle, config.root.path);
  if (path === '/') throw errors.invalidSpec('root.path', '"/"', "the host's own root cannot be a container's");
  return path;
}

/** The root becomes /. */
export function planEnter(config: RuntimeConfig, input: RootInput & Pick<CompileInput, 'noPivot'>): Op[] {
  const ops: Op[] = [{ op: 'pivot', root: rootPath(config, input), how: input.noPivot ? 1 : 0 }];
  const propagation = config.linux?.rootfsPropagation;
  if (propagation) ops.push({ op: 'propagation', at: NONE, path: '/', flags: propagationFlags[propagation] & ~MS.REC });
  if (config.root?.readonly) ops.push({ op: 'remount', root: NONE, path: '/', set: 1, clear: 0, propagation: 0 });
  return ops;
}
