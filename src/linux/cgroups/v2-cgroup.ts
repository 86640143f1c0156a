/**
 * A cgroup on the unified hierarchy.
 */
import { posix } from 'node:path';
import { apply, reader } from './apply.ts';
import type { Cgroup, CgroupDeps, CgroupPlacement, CgroupWrite, DeviceProgram, OomWatch } from './cgroup.ts';
import { errors } from './errors.ts';
import { type CgroupFiles, hasErrno } from './files.ts';
import { type CgroupHost, folderOf, type Hierarchy } from './host.ts';
import { hugepageSizes } from './hugepages.ts';
import { freezeAll, killAll, type ProcessControl, waitUntilEmpty } from './processes.ts';
import type { CgroupResources, ReadFile, Setting, Settings } from './resources.ts';
import { type CgroupStats, joinStats } from './stats.ts';
import { makeFolders, pidsIn, removeFolders, tryRemove } from './tree.ts';
import * as cpu from './v2/cpu.ts';
import * as cpuset from './v2/cpuset.ts';
import * as devices from './v2/devices.ts';
import * as freezer from './v2/freezer.ts';
import * as hugetlb from './v2/hugetlb.ts';
import * as io from './v2/io.ts';
import * as memory from './v2/memory.ts';
import * as pids from './v2/pids.ts';
import * as rdma from './v2/rdma.ts';
import * as unified from './v2/unified.ts';

/** Controller → its limits, in the order they are set; `unified` comes after them. */
const SETTINGS: readonly (readonly [controller: string, settings: Settings])[] = [
  ['cpuset', cpuset.settings],
  ['cpu', cpu.settings],
  ['memory', memory.settings],
  ['pids', pids.settings],
  ['io', io.settings],
  ['hugetlb', hugetlb.settings],
  ['rdma', rdma.settings],
];

export class CgroupV2 implements Cgroup {
  readonly path: string;
  readonly #hierarchy: Hierarchy;
  readonly #folder: string;
  readonly #deps: CgroupDeps;

  constructor(host: CgroupHost, path: string, deps: CgroupDeps) {
    if (host.unified === undefined) throw errors.notMounted();
    this.path = path;
    this.#hierarchy = host.unified;
    this.#folder = folderOf(host.unified, path);
    this.#deps = deps;
  }

  create(resources: CgroupResources): void {
    const { files } = this.#deps;
    const made: string[] = [];
    try {
      const isNew = makeFolders(files, this.#folder, (step) => made.push(step));
      const present = isNew ? [] : pidsIn(files, this.#folder, false);
      // compat: runc refuses to share; what is left of a container that crashed has no processes.
      if (present.length > 0) throw errors.notEmpty(this.#folder, present.length);
      this.#enableAbove();
      this.#checkControllers(resources);
      apply(files, this.#folder, this.#settings(resources));
    } catch (error) {
      for (const folder of made.toReversed()) tryRemove(files, folder);
      throw error;
    }
  }

  writes(resources: CgroupResources): CgroupWrite[] {
    return this.#settings(resources).map(({ file, value }) => ({ path: `${this.#folder}/${file}`, value }));
  }

  placement(resources: CgroupResources): CgroupPlacement {
    const program = this.#deviceProgram(resources);
    return {
      tasks: [],
      folder: this.#folder,
      ...(program && { deviceProgram: program }),
      hierarchies: [{ version: 2, name: '', options: [], folder: this.#folder }],
    };
  }

  update(resources: CgroupResources): { readonly deviceProgram?: DeviceProgram } {
    this.#checkControllers(resources);
    apply(this.#deps.files, this.#folder, this.#settings(resources));
    const program = this.#deviceProgram(resources);
    return program ? { deviceProgram: program } : {};
  }

  async freeze(signal?: AbortSignal): Promise<void> {
    await freezeAll(this.#control(), signal);
  }

  thaw(): void {
    this.#control().thaw();
  }

  state(): 'frozen' | 'freezing' | 'thawed' | 'gone' {
    return this.#control().state();
  }

  pids(recursive: boolean): number[] {
    return pidsIn(this.#deps.files, this.#folder, recursive);
  }

  async kill(signal?: AbortSignal): Promise<void> {
    const control = this.#control();
    try {
      // kernel: since 5.14 it kills everything at once, frozen or forking.
      this.#deps.files.write(`${this.#folder}/cgroup.kill`, '1');
    } catch (error) {
      if (!hasErrno(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP')) throw error;
      return killAll(control, signal);
    }
    await waitUntilEmpty(control, signal);
  }

  async remove(): Promise<void> {
    await removeFolders(this.#deps.files, this.#folder);
  }

  stats(): CgroupStats {
    const { files } = this.#deps;
    const read = this.#read();
    return joinStats([
      cpu.stats(read),
      memory.stats(read),
      pids.stats(read),
      io.stats(read),
      ...(words(read('cgroup.controllers')).includes('hugetlb') ? [hugetlb.stats(read, hugepageSizes(files))] : []),
    ]);
  }

  oomWatch(): OomWatch {
    return { path: this.#folder, kind: 2 };
  }

  #read(): ReadFile {
    return reader(this.#deps.files, this.#folder);
  }

  #settings(resources: CgroupResources): Setting[] {
    const read = this.#read();
    return [...SETTINGS.flatMap(([, settings]) => settings(resources, read)), ...unified.settings(resources)];
  }

  #deviceProgram(resources: CgroupResources): DeviceProgram | undefined {
    const program = devices.program(resources);
    return program && { folder: this.#folder, program };
  }

  /** Hands controllers down from the mount point to the folder, level by level. */
  #enableAbove(): void {
    const { mountPoint } = this.#hierarchy;
    const steps: string[] = [];
    for (let step = this.#folder; step !== mountPoint && step !== '/'; ) {
      step = posix.dirname(step);
      steps.unshift(step);
    }
    for (const step of steps) this.#enable(step);
  }

  /** kernel: a folder has a controller's files once its parent's subtree_control names it. */
  #enable(folder: string): void {
    const { files } = this.#deps;
    const read = reader(files, folder);
    const enabled = words(read('cgroup.subtree_control'));
    const missing = words(read('cgroup.controllers')).filter((name) => !enabled.includes(name));
    if (missing.length === 0) return;
    const file = `${folder}/cgroup.subtree_control`;
    if (tryEnable(files, file, missing)) return;
    // One that cannot be enabled here, such as cpu with real-time processes around, must not block the others.
    for (const name of missing) tryEnable(files, file, [name]);
  }

  /** A limit that nobody would enforce is refused, not dropped. */
  #checkControllers(resources: CgroupResources): void {
    const available = words(this.#read()('cgroup.controllers'));
    for (const [controller, settings] of SETTINGS) {
      if (available.includes(controller)) continue;
      const [first] = settings(resources, () => undefined).filter((setting) => !setting.optional);
      if (first) throw errors.noController(controller, first.file);
    }
    for (const { file } of unified.settings(resources)) {
      const controller = unified.controllerOf(file);
      if (controller !== 'cgroup' && !available.includes(controller)) throw errors.noController(controller, file);
    }
  }

  #control(): ProcessControl {
    const { files, signal } = this.#deps;
    const read = this.#read();
    const write = (setting: Setting): void => {
      if (read(setting.file) !== undefined) apply(files, this.#folder, [setting]);
    };
    return {
      folder: this.#folder,
      freeze: () => write(freezer.freeze),
      thaw: () => write(freezer.thaw),
      state: () => (read('cgroup.events') === undefined ? 'gone' : freezer.state(read)),
      pids: () => pidsIn(files, this.#folder, true),
      signal,
    };
  }
}

/**
 * kernel: refused with EBUSY where the folder has processes of its own ("no internal processes"), and in containers
 * and user sessions that were not given the controller. Whether it matters shows when a limit needs it.
 */
function tryEnable(files: CgroupFiles, file: string, controllers: readonly string[]): boolean {
  try {
    files.write(file, controllers.map((name) => `+${name}`).join(' '));
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EINVAL', 'EBUSY', 'EOPNOTSUPP', 'EPERM', 'EACCES')) return false;
    throw error;
  }
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
