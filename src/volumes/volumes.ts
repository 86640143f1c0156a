/**
 * Volumes by name: a record, and a folder `NAME/_data` as Docker has it.
 *
 * The record comes before the folder and goes after it, so that a killed daemon leaves no folder without a record: a
 * folder nobody knows is never removed, for it may be somebody's database. What an image gives to an empty volume is
 * gathered beside it, in `NAME/_new`, and takes its place in one step.
 */
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync } from 'node:fs';
import {
  because,
  causeChain,
  formatTimeNs,
  KeyedMutex,
  type Log,
  messageOf,
  newContainerId,
  type RecordStore,
} from '#base';
import { removeTree } from '#linux';
import { errors } from './errors.ts';
import { mountOf, type VolumeMounter, withAddress, withoutPassword } from './local-mount.ts';
import { checkDriver, checkName, checkOptions, type VolumeRequest } from './volume-request.ts';

export interface VolumeRecord {
  readonly version: 1;
  readonly name: string;
  readonly driver: 'local';
  /** ISO 8601 with nanoseconds. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>> | null;
  /** It is not there yet, or not any more: a start of the daemon removes what there is of it. */
  readonly removing: boolean;
  /** Its folder is about to have, or has, this name: a start of the daemon goes by the folder. */
  readonly renaming?: string;
}

export interface VolumesOptions {
  readonly store: RecordStore<VolumeRecord>;
  /** The folder of all volumes; it is made. */
  readonly folder: string;
  readonly mounter: VolumeMounter;
  readonly log: Log;
  readonly nowNs: () => bigint;
}

export interface VolumeCopy {
  readonly name: string;
  /** Besides those of the other. */
  readonly labels: Readonly<Record<string, string>>;
}

/** compat: marks a volume nobody has named. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

export class Volumes {
  readonly #options: VolumesOptions;
  readonly #folder: string;
  /** One change of a name after the other. */
  readonly #locks = new KeyedMutex();
  /** Name → containers that run with it. What a restarted daemon finds running is put here again. */
  readonly #users = new Map<string, Set<string>>();

  constructor(options: VolumesOptions) {
    this.#options = options;
    // compat: others go through to what is theirs, and see no names.
    mkdirSync(options.folder, { recursive: true, mode: 0o701 });
    // The kernel's list of mounts has no symlinks in it.
    this.#folder = realpathSync(options.folder);
  }

  /**
   * Ends what a killed daemon has left half done: creations get their folder, removals lose it. What cannot be done is told
   * in the log, and done at the next start.
   */
  async restore(): Promise<void> {
    for (const record of this.#options.store.list()) {
      const { name } = record;
      await this.#orLog(name, async () => {
        if (record.removing) return this.#finishRemoval(name);
        if (record.renaming !== undefined && this.#finishRenaming(record, record.renaming)) return;
        this.#makeFolder(name);
        await removeTree(this.#newPathOf(name));
      });
    }
  }

  /** Lets go of what a killed daemon has mounted for containers that have ended. After these were looked for. */
  async unmountUnused(): Promise<void> {
    for (const { name } of this.list()) {
      await this.#orLog(name, () => this.#locks.run(name, () => this.#unmountIfUnused(name)));
    }
  }

  async #orLog(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.error('a volume could not be restored', { volume: name, error: causeChain(error) });
    }
  }

  list(): VolumeRecord[] {
    return this.#options.store.list().filter(({ removing }) => !removing);
  }

  /** Throws `volume.noSuch`. */
  find(name: string): VolumeRecord {
    const record = this.#options.store.get(name);
    if (!record || record.removing) throw errors.noSuch(name);
    return record;
  }

  /** Whether its files are elsewhere, and are mounted while it is used. */
  isMount(name: string): boolean {
    const record = this.#options.store.get(name);
    return record !== undefined && mountOf(record) !== undefined;
  }

  /** Where a volume's files are on the host. */
  pathOf(name: string): string {
    return `${this.#options.folder}/${name}/_data`;
  }

  /** The name of one that is asked for without. */
  static newName(): string {
    return newContainerId();
  }

  /**
   * compat: one of this name that is there already is given as it is. Throws what makes the request impossible, and
   * Node's file system errors, after which nothing is left. `anonymous`: nobody has chosen the name.
   */
  async create(
    request: VolumeRequest,
    { anonymous = request.name === '' }: { readonly anonymous?: boolean } = {},
  ): Promise<{ readonly record: VolumeRecord; readonly made: boolean }> {
    const name = request.name === '' ? Volumes.newName() : request.name;
    checkDriver(request, name);
    checkName(name);
    return this.#locks.run(name, async () => {
      const before = this.#options.store.get(name);
      if (before?.removing === true) await this.#finishRemoval(name);
      else if (before) return { record: before, made: false };
      checkOptions(request, name);
      const labels = anonymous ? { ...request.labels, [ANONYMOUS_LABEL]: '' } : request.labels;
      return { record: await this.#make(name, labels, request.options), made: true };
    });
  }

  /** With all that is in it. Throws `volume.noSuch`, `volume.inUse` by those `holders` names, `volume.stillMounted`. */
  async remove(name: string, holders: () => readonly string[] = () => []): Promise<void> {
    await this.#locks.run(name, async () => {
      const record = this.find(name);
      const ids = holders();
      if (ids.length > 0) throw errors.inUse(name, ids);
      await this.#unmountIfUnused(name);
      this.#refuseMounted(name);
      this.#options.store.put(name, { ...record, removing: true });
      await this.#finishRemoval(name);
    });
  }

  /**
   * A new one with what another has: `write` fills a folder, which becomes the new one's when it is done. Throws
   * `volume.noSuch`, `volume.exists`, `volume.notOwn` for one whose files are elsewhere, what is wrong with the name, and as
   * `write` does, after which nothing is left.
   */
  async copy(from: string, request: VolumeCopy, write: (folder: string) => Promise<void>): Promise<VolumeRecord> {
    const { name } = request;
    checkName(name);
    return this.#locked([from, name], async () => {
      const source = this.find(from);
      if (mountOf(source)) throw errors.notOwn(from, 'copy');
      const { store } = this.#options;
      const before = store.get(name);
      if (before?.removing === true) await this.#finishRemoval(name);
      else if (before) throw errors.exists(name);
      const { [ANONYMOUS_LABEL]: _, ...labels } = source.labels ?? {};
      const record = this.#newRecord(name, { ...labels, ...request.labels }, null);
      store.put(name, { ...record, removing: true });
      try {
        this.#makeFolder(name);
        await write(this.pathOf(name));
        store.put(name, record);
      } catch (error) {
        await this.#finishRemoval(name);
        throw error;
      }
      return record;
    });
  }

  /**
   * Its files stay where they are, under another name. Throws `volume.noSuch`, `volume.exists`, `volume.busy` for one that
   * containers name, and what is wrong with the new name.
   */
  async rename(from: string, to: string, holders: () => readonly string[]): Promise<VolumeRecord> {
    checkName(to);
    return this.#locked([from, to], async () => {
      const { store } = this.#options;
      const record = this.find(from);
      const ids = holders();
      if (ids.length > 0) throw errors.busy(from, 'rename', ids);
      await this.#unmountIfUnused(from);
      this.#refuseMounted(from);
      const other = store.get(to);
      if (other?.removing === true) await this.#finishRemoval(to);
      else if (other) throw errors.exists(to);
      const renaming: VolumeRecord = { ...record, renaming: to };
      store.put(from, renaming);
      try {
        renameSync(`${this.#options.folder}/${from}`, `${this.#options.folder}/${to}`);
      } catch (error) {
        store.put(from, record);
        throw error;
      }
      this.#finishRenaming(renaming, to);
      return store.get(to)!;
    });
  }

  /**
   * Gives an empty volume its first content: `write` fills a folder, which takes the volume's place when it is done.
   * One that is not empty stays as it is. Where a running container has it, or something is mounted on it, it is filled
   * in its place. Throws as `write` does, and `volume.cannotMount`.
   */
  async fill(name: string, write: (folder: string) => Promise<void>): Promise<void> {
    await this.#locks.run(name, async () => {
      const path = this.pathOf(name);
      const elsewhere = mountOf(this.find(name)) !== undefined || this.#isMounted(name);
      if (elsewhere || this.#users.has(name)) {
        await this.#mountOnce(name);
        try {
          if (readdirSync(path).length === 0) await write(path);
        } finally {
          await this.#unmountIfUnused(name);
        }
        return;
      }
      if (readdirSync(path).length > 0) return;
      const fresh = this.#newPathOf(name);
      await removeTree(fresh);
      mkdirSync(fresh, { mode: 0o755 });
      try {
        await write(fresh);
        renameSync(fresh, path);
      } catch (error) {
        await removeTree(fresh);
        throw error;
      }
    });
  }

  /**
   * Has it ready for a container that is about to run, which has it until `release`. Gives where it is. Throws
   * `volume.noSuch` and `volume.cannotMount`.
   */
  async use(name: string, containerId: string): Promise<string> {
    return this.#locks.run(name, async () => {
      this.find(name);
      this.#makeFolder(name);
      await this.#mountOnce(name);
      this.useAgain(name, containerId);
      return this.pathOf(name);
    });
  }

  /** A container that was found running has had it all the time. */
  useAgain(name: string, containerId: string): void {
    this.#users.getOrInsertComputed(name, () => new Set()).add(containerId);
  }

  /** The last one to go lets go of what is mounted. */
  async release(name: string, containerId: string): Promise<void> {
    await this.#locks.run(name, async () => {
      const users = this.#users.get(name);
      users?.delete(containerId);
      if (users?.size === 0) this.#users.delete(name);
      await this.#unmountIfUnused(name);
    });
  }

  #newRecord(name: string, labels: VolumeRecord['labels'], options: VolumeRecord['options']): VolumeRecord {
    const createdAt = formatTimeNs(this.#options.nowNs());
    return { version: 1, name, driver: 'local', createdAt, labels, options, removing: false };
  }

  async #make(name: string, labels: VolumeRecord['labels'], options: VolumeRecord['options']): Promise<VolumeRecord> {
    const record = this.#newRecord(name, labels, options);
    this.#options.store.put(name, record);
    try {
      this.#makeFolder(name);
    } catch (error) {
      await this.#finishRemoval(name);
      throw error;
    }
    return record;
  }

  /** Of several names, in an order that keeps two from waiting for each other. */
  #locked<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
    if (first === undefined) return work();
    return this.#locks.run(first, () => this.#locked(rest, work));
  }

  /** By what the folder is called; false when it still has the old name. */
  #finishRenaming(record: VolumeRecord, to: string): boolean {
    const { store, folder } = this.#options;
    const { renaming: _, ...rest } = record;
    if (existsSync(`${folder}/${record.name}`)) {
      store.put(record.name, rest);
      return false;
    }
    store.put(to, { ...rest, name: to });
    store.delete(record.name);
    return true;
  }

  #newPathOf(name: string): string {
    return `${this.#options.folder}/${name}/_new`;
  }

  async #mountOnce(name: string): Promise<void> {
    const mount = mountOf(this.find(name));
    if (!mount || this.#isMounted(name)) return;
    const path = this.pathOf(name);
    try {
      await this.#options.mounter.mount(await withAddress(mount), this.#mountPointOf(name));
    } catch (error) {
      throw because(errors.cannotMount(path, withoutPassword(messageOf(error), mount)), error);
    }
  }

  async #unmountIfUnused(name: string): Promise<void> {
    const record = this.#options.store.get(name);
    if (!record || this.#users.has(name) || !mountOf(record)) return;
    // Once for each that is there: a mount may have been put on another by hand.
    for (let turn = 0; turn < 8 && this.#isMounted(name); turn++)
      await this.#options.mounter.unmount(this.#mountPointOf(name));
  }

  #isMounted(name: string): boolean {
    const path = this.#mountPointOf(name);
    return this.#options.mounter.mountsIn(path).includes(path);
  }

  /** As the kernel lists it. */
  #mountPointOf(name: string): string {
    return `${this.#folder}/${name}/_data`;
  }

  /** Removing goes into whatever is mounted there: somebody else's files. */
  #refuseMounted(name: string): void {
    const [point] = this.#options.mounter.mountsIn(`${this.#folder}/${name}`);
    if (point !== undefined) throw errors.stillMounted(name, point);
  }

  #makeFolder(name: string): void {
    mkdirSync(`${this.#options.folder}/${name}`, { recursive: true, mode: 0o701 });
    mkdirSync(this.pathOf(name), { recursive: true, mode: 0o755 });
  }

  async #finishRemoval(name: string): Promise<void> {
    this.#refuseMounted(name);
    await removeTree(`${this.#options.folder}/${name}`);
    this.#options.store.delete(name);
  }
}

/** Whether nobody has named it. */
export function isAnonymous({ labels }: Pick<VolumeRecord, 'labels'>): boolean {
  return labels !== null && Object.hasOwn(labels, ANONYMOUS_LABEL);
}
