/**
 * Options of a mount as the specification spells them → attribute bits, propagation and file system data.
 *
 * spec: config.md, "Mounts", "Linux mount options"; mount(8).
 */
import { MOUNT_ATTR, MS } from '#linux';

export interface MountOptions {
  readonly bind: boolean;
  readonly recursive: boolean;
  /** Attributes of this mount alone. */
  readonly set: number;
  readonly clear: number;
  /** Attributes of the whole tree under it (`rro` and so on). */
  readonly recursiveSet: number;
  readonly recursiveClear: number;
  /** MS_ bits, one after the other. */
  readonly propagation: readonly number[];
  readonly idmap: 'none' | 'mount' | 'tree';
  readonly copyUp: boolean;
  /** What goes to the file system itself. */
  readonly data: readonly string[];
}

type Attribute = readonly [set: number, clear: number];

const attributes: Readonly<Record<string, Attribute>> = {
  ro: [MOUNT_ATTR.RDONLY, 0],
  rw: [0, MOUNT_ATTR.RDONLY],
  nosuid: [MOUNT_ATTR.NOSUID, 0],
  suid: [0, MOUNT_ATTR.NOSUID],
  nodev: [MOUNT_ATTR.NODEV, 0],
  dev: [0, MOUNT_ATTR.NODEV],
  noexec: [MOUNT_ATTR.NOEXEC, 0],
  exec: [0, MOUNT_ATTR.NOEXEC],
  noatime: [MOUNT_ATTR.NOATIME, MOUNT_ATTR.ATIME],
  atime: [MOUNT_ATTR.RELATIME, MOUNT_ATTR.ATIME],
  relatime: [MOUNT_ATTR.RELATIME, MOUNT_ATTR.ATIME],
  norelatime: [MOUNT_ATTR.RELATIME, MOUNT_ATTR.ATIME],
  strictatime: [MOUNT_ATTR.STRICTATIME, MOUNT_ATTR.ATIME],
  nostrictatime: [MOUNT_ATTR.RELATIME, MOUNT_ATTR.ATIME],
  nodiratime: [MOUNT_ATTR.NODIRATIME, 0],
  diratime: [0, MOUNT_ATTR.NODIRATIME],
  nosymfollow: [MOUNT_ATTR.NOSYMFOLLOW, 0],
  symfollow: [0, MOUNT_ATTR.NOSYMFOLLOW],
};

const propagations: Readonly<Record<string, number>> = {
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE | MS.REC,
  slave: MS.SLAVE,
  rslave: MS.SLAVE | MS.REC,
  shared: MS.SHARED,
  rshared: MS.SHARED | MS.REC,
  unbindable: MS.UNBINDABLE,
  runbindable: MS.UNBINDABLE | MS.REC,
};

/** Flags of the superblock: the file system interface takes them by name, so they travel as data. */
const superblockFlags: Readonly<Record<string, string>> = {
  sync: 'sync',
  dirsync: 'dirsync',
  lazytime: 'lazytime',
  mand: 'mand',
  iversion: 'iversion',
};

/** Words that ask for what is the case anyway. */
const noOps = new Set(['defaults', 'async', 'nomand', 'nolazytime', 'noiversion', 'silent', 'loud', 'remount']);

/** All option names with a meaning of their own, for `features`. */
export const knownMountOptions: readonly string[] = [
  ...Object.keys(attributes),
  ...Object.keys(attributes).map((name) => `r${name}`),
  ...Object.keys(propagations),
  ...Object.keys(superblockFlags),
  ...noOps,
  'bind',
  'rbind',
  'idmap',
  'ridmap',
  'tmpcopyup',
].sort();

/** Later options win over earlier ones, as with mount(8). */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const own = { set: 0, clear: 0 };
  const tree = { set: 0, clear: 0 };
  const propagation: number[] = [];
  const data: string[] = [];
  let bind = false;
  let recursive = false;
  let idmap: MountOptions['idmap'] = 'none';
  let copyUp = false;
  for (const option of options) {
    const attribute = attributes[option];
    const treeAttribute = option.startsWith('r') ? attributes[option.slice(1)] : undefined;
    if (attribute) apply(own, attribute);
    else if (treeAttribute) apply(tree, treeAttribute);
    else if (option in propagations) propagation.push(propagations[option]!);
    else if (option === 'bind' || option === 'rbind') [bind, recursive] = [true, option === 'rbind'];
    else if (option === 'idmap' || option === 'ridmap') idmap = option === 'idmap' ? 'mount' : 'tree';
    else if (option === 'tmpcopyup') copyUp = true;
    else if (option in superblockFlags) data.push(superblockFlags[option]!);
    else if (!noOps.has(option)) data.push(option);
  }
  return {
    bind,
    recursive,
    set: own.set,
    clear: own.clear,
    recursiveSet: tree.set,
    recursiveClear: tree.clear,
    propagation,
    idmap,
    copyUp,
    data,
  };
}

function apply(bits: { set: number; clear: number }, [set, clear]: Attribute): void {
  const isAccessTime = (clear & MOUNT_ATTR.ATIME) !== 0;
  bits.set = (bits.set & ~clear) | set;
  bits.clear = isAccessTime ? bits.clear | clear : (bits.clear & ~set) | clear;
}
