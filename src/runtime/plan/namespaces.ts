/** Namespaces: which are made by clone, which are joined and where, time offsets, id maps. */
import { CLONE, O } from '#linux';
import type { IdMapping, LinuxConfig, Namespace, NamespaceType } from '#specs';
import { errors } from '../errors.ts';
import { NONE, type Op } from './op.ts';

/** All kinds of namespaces the specification knows. */
export const namespaceTypes: readonly NamespaceType[] = [
  'mount',
  'pid',
  'network',
  'uts',
  'ipc',
  'user',
  'cgroup',
  'time',
];

const cloneFlags: Readonly<Record<NamespaceType, number>> = {
  mount: CLONE.NEWNS,
  pid: CLONE.NEWPID,
  network: CLONE.NEWNET,
  uts: CLONE.NEWUTS,
  ipc: CLONE.NEWIPC,
  user: CLONE.NEWUSER,
  cgroup: CLONE.NEWCGROUP,
  time: CLONE.NEWTIME,
};

export interface NamespacePlan {
  /** For clone3; cgroup is not among them, see `unshareCgroup`. */
  readonly cloneFlags: number;
  /** Joins and the time namespace, by the parent before the clone. */
  readonly parent: readonly Op[];
  /** Joins by the child. */
  readonly child: readonly Op[];
  /** The cgroup namespace's root is where its maker stands: the child makes it once it is in its cgroup. */
  readonly unshareCgroup: boolean;
  readonly has: (type: NamespaceType) => boolean;
  readonly isNew: (type: NamespaceType) => boolean;
}

/** Decides for `linux.namespaces`. Throws `invalidSpec` for a type that is listed twice or unknown. */
export function planNamespaces(linux: LinuxConfig): NamespacePlan {
  const byType = new Map<NamespaceType, Namespace>();
  for (const namespace of linux.namespaces ?? []) {
    if (!(namespace.type in cloneFlags)) {
      const known = Object.keys(cloneFlags).join(', ');
      throw errors.invalidSpec('linux.namespaces[].type', `"${namespace.type}"`, `use one of ${known}`);
    }
    if (byType.has(namespace.type)) {
      throw errors.invalidSpec('linux.namespaces', `"${namespace.type}" twice`, 'list each type once');
    }
    byType.set(namespace.type, namespace);
  }
  const isNew = (type: NamespaceType): boolean => byType.has(type) && !byType.get(type)!.path;
  const joined = [...byType.values()].filter((namespace) => namespace.path);
  const join = ({ type, path }: Namespace): Op => ({ op: 'setns', slot: NONE, path: path!, kind: cloneFlags[type] });

  // The parent still has all its rights: in a new user namespace the child could no longer join
  // namespaces that belong to the host's. pid and time only take effect for children anyway. The
  // mount and cgroup namespaces change what paths mean, and the user namespace what rights are: child.
  const childJoins: readonly NamespaceType[] = ['cgroup', 'mount', 'user'];
  const parent = joined.filter(({ type }) => !childJoins.includes(type)).map(join);
  const child = childJoins.flatMap((type) => joined.filter((namespace) => namespace.type === type).map(join));
  const offsets = isNew('time') ? timeOffsets(linux) : '';
  if (offsets !== '') {
    // kernel: offsets can only be written before anything has entered the namespace, so no CLONE_NEWTIME.
    parent.push({ op: 'unshare', flags: CLONE.NEWTIME });
    parent.push({
      op: 'writeFile',
      at: NONE,
      path: '/proc/self/timens_offsets',
      data: offsets,
      openFlags: O.WRONLY,
      mode: 0,
    });
  }
  let flags = 0;
  for (const type of byType.keys()) {
    if (isNew(type) && type !== 'cgroup' && !(type === 'time' && offsets !== '')) flags |= cloneFlags[type];
  }
  return { cloneFlags: flags, parent, child, unshareCgroup: isNew('cgroup'), has: (type) => byType.has(type), isNew };
}

/** The setns flags for joining a running container's namespaces through its pidfd; user separately. */
export function joinFlags(types: readonly NamespaceType[]): number {
  return types.filter((type) => type !== 'user').reduce((flags, type) => flags | cloneFlags[type], 0);
}

function timeOffsets(linux: LinuxConfig): string {
  return Object.entries(linux.timeOffsets ?? {})
    .map(([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`)
    .join('');
}

/** `uid_map` text: one line per mapping (user_namespaces(7)). */
export function idMapText(mappings: readonly IdMapping[]): string {
  return mappings.map((map) => `${map.containerID} ${map.hostID} ${map.size}\n`).join('');
}
