/**
 * A cgroup on v1 hierarchies: one folder in each, `name=systemd` included, so that tools find the container.
 *
 * On hybrid hosts the v2 mount has no controllers and is left alone, as runc does.
 */
import { apply, reader } from './apply.ts';
import type { Cgroup, CgroupDeps, CgroupPlacement, CgroupWrite, OomWatch } from './cgroup.ts';
import { errors } from './errors.ts';
import { type CgroupHost, folderOf, type Hierarchy, hierarchyWith } from './host.ts';
import { hugepageSizes } from './hugepages.ts';
import { freezeAll, killAll, type ProcessControl } from './processes.ts';
import type { CgroupResources, Setting, Settings } from './resources.ts';
import { type CgroupStats, joinStats } from './stats.ts';
import { makeFolders, pidsIn, removeFolders, tryRemove } from './tree.ts';
import * as blkio from './v1/blkio.ts';
import * as cpu from './v1/cpu.ts';
import * as cpuacct from './v1/cpuacct.ts';
import * as cpuset from './v1/cpuset.ts';
import * as devices from './v1/devices.ts';
import * as freezer from './v1/freezer.ts';
import * as hugetlb from './v1/hugetlb.ts';
import * as memory from './v1/memory.ts';
import * as net from './v1/net.ts';
import * as pids from './v1/pids.ts';
import * as rdma from './v1/rdma.ts';

/** Controller → its limits, in the order they are set. */
const SETTINGS: readonly (readonly [controller: string, settings: Settings])[] = [
  ['devices', devices.settings],
  ['cpuset', cpuset.settings],
  ['cpu', cpu.settings],
  ['memory', memory.settings],
  ['pids', pids.settings],
  ['blkio', blkio.settings],
  ['hugetlb', hugetlb.settings],
  ['net_cls', net.settings],
  ['net_prio', net.prioritySettings],
  ['rdma', rdma.settings],
];

export class CgroupV1 implements Cgroup {
  readonly path: string;
  readonly #host: CgroupHost;
  readonly #deps: CgroupDeps;

  constructor(host: CgroupHost, path: string, deps: CgroupDeps) {
    this.path = path;
    this.#host = host;
    this.#deps = deps;
  }

  create(resources: CgroupResources): void {
    checkVersion(resources);
    this.#checkControllers(resources);
    const made: string[] = [];
    try {
      for (const hierarchy of this.#host.hierarchies) this.#make(hierarchy, made);
      this.#apply(resources);
    } catch (error) {
      for (const folder of made.toReversed()) tryRemove(this.#deps.files, folder);
      throw error;
    }
  }

  writes(resources: CgroupResources): CgroupWrite[] {
    checkVersion(resources);
    return this.#settings(resources).flatMap(({ folder, settings }) =>
      settings.map(({ file, value }) => ({ path: `${folder}/${file}`, value })),
    );
  }

  placement(): CgroupPlacement {
    const hierarchies = this.#host.hierarchies.map((hierarchy) => ({
      version: 1 as const,
      name: mountName(hierarchy),
      options: mountOptions(hierarchy),
      folder: folderOf(hierarchy, this.path),
    }));
    return { tasks: hierarchies.map(({ folder }) => `${folder}/tasks`), hierarchies };
  }

  update(resources: CgroupResources): Record<string, never> {
    checkVersion(resources);
    this.#checkControllers(resources);
    this.#apply(resources);
    return {};
  }

  async freeze(signal?: AbortSignal): Promise<void> {
    if (this.#folder('freezer') === undefined) {
      throw errors.noController('freezer', 'the frozen state');
    }
    await freezeAll(this.#control(), signal);
  }

  thaw(): void {
    this.#control().thaw();
  }

  state(): 'frozen' | 'freezing' | 'thawed' | 'gone' {
    return this.#control().state();
  }

  pids(recursive: boolean): number[] {
    return pidsIn(this.#deps.files, this.#mainFolder(), recursive);
  }

  async kill(signal?: AbortSignal): Promise<void> {
    await killAll(this.#control(), signal);
  }

  async remove(): Promise<void> {
    const folders = this.#host.hierarchies.map((hierarchy) => folderOf(hierarchy, this.path));
    const results = await Promise.allSettled(folders.map((folder) => removeFolders(this.#deps.files, folder)));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, `cgroup ${this.path} could not be removed completely`);
  }

  stats(): CgroupStats {
    const { files } = this.#deps;
    const read = (controller: string) => {
      const folder = this.#folder(controller);
      return folder === undefined ? () => undefined : reader(files, folder);
    };
    const has = (controller: string): boolean => this.#folder(controller) !== undefined;
    return joinStats([
      ...(has('cpuacct') ? [cpuacct.stats(read('cpuacct'))] : []),
      ...(has('cpu') ? [cpu.stats(read('cpu'))] : []),
      ...(has('memory') ? [memory.stats(read('memory'))] : []),
      ...(has('pids') ? [pids.stats(read('pids'))] : []),
      ...(has('blkio') ? [blkio.stats(read('blkio'))] : []),
      ...(has('hugetlb') ? [hugetlb.stats(read('hugetlb'), hugepageSizes(files))] : []),
    ]);
  }

  oomWatch(): OomWatch {
    const path = this.#folder('memory');
    return path === undefined ? { path: '', kind: 0 } : { path, kind: 1 };
  }

  /** Makes the folder in one hierarchy; a cpuset on the way gets its parent's CPUs and nodes. */
  #make(hierarchy: Hierarchy, made: string[]): void {
    const { files } = this.#deps;
    const folder = folderOf(hierarchy, this.path);
    const isNew = makeFolders(files, folder, (step) => {
      made.push(step);
      if (!hierarchy.controllers.includes('cpuset')) return;
      const parent = step.slice(0, step.lastIndexOf('/'));
      // kernel: it is empty, or (clone_children) has what is written now.
      apply(
        files,
        step,
        cpuset.inherit(() => '', reader(files, parent)),
      );
    });
    const present = isNew ? [] : pidsIn(files, folder, false);
    // compat: runc refuses to share; what is left of a container that crashed has no processes.
    if (present.length > 0) throw errors.notEmpty(folder, present.length);
  }

  #apply(resources: CgroupResources): void {
    for (const { folder, settings } of this.#settings(resources)) apply(this.#deps.files, folder, settings);
  }

  #settings(resources: CgroupResources): { folder: string; settings: Setting[] }[] {
    return SETTINGS.flatMap(([controller, settings]) => {
      const folder = this.#folder(controller);
      return folder === undefined ? [] : [{ folder, settings: settings(resources, reader(this.#deps.files, folder)) }];
    });
  }

  /** A limit that nobody would enforce is refused, not dropped. */
  #checkControllers(resources: CgroupResources): void {
    for (const [controller, settings] of SETTINGS) {
      if (hierarchyWith(this.#host, controller)) continue;
      const [first] = settings(resources, () => undefined).filter((setting) => !setting.optional);
      if (first) throw errors.noController(controller, first.file);
    }
  }

  #folder(controller: string): string | undefined {
    const hierarchy = hierarchyWith(this.#host, controller);
    return hierarchy && folderOf(hierarchy, this.path);
  }

  /** Every process is in every hierarchy; the freezer's is asked because killing needs it. */
  #mainFolder(): string {
    const [first] = this.#host.hierarchies;
    return this.#folder('freezer') ?? (first ? folderOf(first, this.path) : '');
  }

  #control(): ProcessControl {
    const { files, signal } = this.#deps;
    const folder = this.#mainFolder();
    const hasFreezer = this.#folder('freezer') !== undefined;
    const read = reader(files, folder);
    const write = (setting: Setting): void => {
      if (hasFreezer && read(setting.file) !== undefined) apply(files, folder, [setting]);
    };
    return {
      folder,
      freeze: () => write(freezer.freeze),
      thaw: () => write(freezer.thaw),
      state: () => (read('tasks') === undefined ? 'gone' : freezer.state(read)),
      pids: () => pidsIn(files, folder, true),
      signal,
    };
  }
}

function checkVersion({ unified = {} }: CgroupResources): void {
  const [file] = Object.keys(unified);
  if (file !== undefined) throw errors.invalid(`unified resource '${file}'`, 'this host uses cgroup v1');
}

/** How hosts name the folders: the last part of the mount point, which is the controllers' list or `systemd`. */
function mountName({ mountPoint, controllers }: Hierarchy): string {
  const name = mountPoint.slice(mountPoint.lastIndexOf('/') + 1);
  return name === '' ? controllers.join() : name;
}

/** For mount(2); a named hierarchy has no controllers of its own. */
function mountOptions({ controllers }: Hierarchy): string[] {
  return controllers.some((name) => name.startsWith('name=')) ? ['none', ...controllers] : [...controllers];
}
