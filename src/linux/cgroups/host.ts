/**
 * Which cgroup hierarchies this host has, where they are mounted and where this process is in them.
 *
 * Source: proc_pid_mountinfo(5), proc_pid_cgroup(5), cgroups(7).
 */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { unescapeOctal } from '../host-facts.ts';
import { errors } from './errors.ts';

/** v2: only the unified hierarchy counts. v1 and hybrid: controllers are on v1; hybrid has a v2 mount beside them. */
export interface CgroupHost {
  readonly mode: 'v1' | 'v2' | 'hybrid';
  /** v1 hierarchies in the order they are mounted, empty in mode v2. */
  readonly hierarchies: readonly Hierarchy[];
  /** The cgroup v2 mount; always there in modes v2 and hybrid. */
  readonly unified?: Hierarchy;
}

export interface Hierarchy {
  /** v1: `cpu` and `cpuacct`, or `name=systemd`. v2: empty, its controllers depend on the folder. */
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  /** The cgroup that is visible at the mount point. */
  readonly root: string;
  /** This process's cgroup in the hierarchy. */
  readonly own: string;
}

/** Reads this host's hierarchies. Throws `cgroup.notMounted`. */
export function readCgroupHost(mountinfo = '/proc/self/mountinfo', cgroup = '/proc/self/cgroup'): CgroupHost {
  return detectCgroups(readFileSync(mountinfo, 'utf8'), readFileSync(cgroup, 'utf8'));
}

/** The same from the texts of the two files. */
export function detectCgroups(mountinfo: string, cgroup: string): CgroupHost {
  const own = ownCgroups(cgroup);
  const found = mountinfo.split('\n').flatMap((line) => hierarchyOf(line, own));
  const named = new Map<string, Hierarchy>();
  for (const { version, hierarchy } of found) {
    const key = `${version} ${hierarchy.controllers.join()}`;
    const before = named.get(key);
    if (before === undefined || better(hierarchy, before)) named.set(key, hierarchy);
  }
  const unified = named.get('2 ');
  named.delete('2 ');
  const hierarchies = [...named.values()];
  // Some hosts keep name=systemd on v1 while every controller is on v2.
  const hasV1Controllers = hierarchies.some(({ controllers }) => !isNamed(controllers));
  if (unified && !hasV1Controllers) return { mode: 'v2', hierarchies: [], unified };
  if (unified) return { mode: 'hybrid', hierarchies, unified };
  if (hierarchies.length === 0) throw errors.notMounted();
  return { mode: 'v1', hierarchies };
}

/** The hierarchy of a v1 controller. */
export function hierarchyWith(host: CgroupHost, controller: string): Hierarchy | undefined {
  return host.hierarchies.find(({ controllers }) => controllers.includes(controller));
}

/** The folder of a cgroup. Absolute paths start at the hierarchy's root, others at this process's own cgroup. */
export function folderOf(hierarchy: Hierarchy, path: string): string {
  const clean = posix.normalize(`/${path}`).replace(/\/$/, '');
  const start = path.startsWith('/') ? '' : below(hierarchy.root, hierarchy.own);
  return `${hierarchy.mountPoint === '/' ? '' : hierarchy.mountPoint}${start}${clean}`;
}

/** `own` as seen from `root`; an own cgroup that is outside of the mount counts as the mount's root. */
function below(root: string, own: string): string {
  if (root === '/') return own === '/' || own.startsWith('/..') ? '' : own;
  return own.startsWith(`${root}/`) ? own.slice(root.length) : '';
}

/** Controller list (empty for v2) → path. */
function ownCgroups(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers !== undefined && path !== undefined) own.set(sorted(controllers), path);
  }
  return own;
}

function hierarchyOf(line: string, own: Map<string, string>): { version: 1 | 2; hierarchy: Hierarchy }[] {
  const [mount = '', superblock = ''] = line.split(' - ');
  const [, , , root = '', mountPoint = ''] = mount.split(' ');
  const [type, , options = ''] = superblock.split(' ');
  const place = { mountPoint: unescapeOctal(mountPoint), root: unescapeOctal(root) };
  if (type === 'cgroup2') {
    return [{ version: 2, hierarchy: { ...place, controllers: [], own: own.get('') ?? '/' } }];
  }
  if (type !== 'cgroup') return [];
  // Mount options and controllers are in one list; /proc/self/cgroup tells which of them are controllers.
  const list = options.split(',');
  for (const [names, path] of own) {
    const controllers = names.split(',');
    if (names !== '' && controllers.every((name) => list.includes(name))) {
      const ordered = list.filter((option) => controllers.includes(option));
      return [{ version: 1, hierarchy: { ...place, controllers: ordered, own: path } }];
    }
  }
  return [];
}

/** Of several mounts of one hierarchy the one that shows all of it in the usual place. */
function better(candidate: Hierarchy, before: Hierarchy): boolean {
  const usual = ({ mountPoint }: Hierarchy): boolean => /^\/sys\/fs\/cgroup(\/|$)/.test(mountPoint);
  return usual(candidate) && !usual(before);
}

function isNamed(controllers: readonly string[]): boolean {
  return controllers.every((name) => name.startsWith('name='));
}

function sorted(controllers: string): string {
  return controllers.split(',').sort().join();
}
