/**
 * Volumes by name: a record, and a folder `NAME/_data` as Docker has it.
 *
 * The record comes before the folder and goes after it, so that a killed daemon leaves no folder without a record: a
 * folder nobody knows is never removed, for it may be somebody's database.
 */
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { formatTimeNs, KeyedMutex, newContainerId, type RecordStore } from '#base';
import { errors } from './errors.ts';
import { checkDriver, checkName, checkOptions, type VolumeRequest } from './volume-request.ts';

export interface VolumeRecord {
  readonly version: 1;
  readonly name: string;
  readonly driver: 'local';
  /** ISO 8601 with nanoseconds. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Its removal has begun: it is not there any more, and a start of the daemon brings it to its end. */
  readonly removing: boolean;
}

export interface VolumesOptions {
  readonly store: RecordStore<VolumeRecord>;
  /** The folder of all volumes; it is made. */
  readonly folder: string;
  readonly nowNs: () => bigint;
}

/** compat: marks a volume nobody has named. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

export class Volumes {
  readonly #options: VolumesOptions;
  /** One change of a name after the other. */
  readonly #locks = new KeyedMutex();

  constructor(options: VolumesOptions) {
    this.#options = options;
    // compat: others go through to what is theirs, and see no names.
    mkdirSync(options.folder, { recursive: true, mode: 0o701 });
  }

  /** Ends what a killed daemon has left half done: creations get their folder, removals lose it. */
  async restore(): Promise<void> {
    for (const record of this.#options.store.list()) {
      if (record.removing) await this.#finishRemoval(record.name);
      else this.#makeFolder(record.name);
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

  /** Where a volume's files are on the host. */
  pathOf(name: string): string {
    return `${this.#options.folder}/${name}/_data`;
  }

  /**
   * compat: one of this name that is there already is given as it is. Throws what makes the request impossible, and
   * Node's file system errors, after which nothing is left.
   */
  async create(request: VolumeRequest): Promise<{ readonly record: VolumeRecord; readonly made: boolean }> {
    const name = request.name === '' ? newContainerId() : request.name;
    checkDriver(request, name);
    checkName(name);
    return this.#locks.run(name, async () => {
      const { store, nowNs } = this.#options;
      const before = store.get(name);
      if (before?.removing === true) await this.#finishRemoval(name);
      else if (before) return { record: before, made: false };
      checkOptions(request, name);
      const labels = request.name === '' ? { ...request.labels, [ANONYMOUS_LABEL]: '' } : request.labels;
      const record: VolumeRecord = {
        version: 1,
        name,
        driver: 'local',
        createdAt: formatTimeNs(nowNs()),
        labels,
        options: request.options,
        removing: false,
      };
      store.put(name, record);
      try {
        this.#makeFolder(name);
      } catch (error) {
        await this.#finishRemoval(name);
        throw error;
      }
      return { record, made: true };
    });
  }

  /** With all that is in it. Throws `volume.noSuch`. */
  async remove(name: string): Promise<void> {
    await this.#locks.run(name, async () => {
      const record = this.find(name);
      this.#options.store.put(name, { ...record, removing: true });
      await this.#finishRemoval(name);
    });
  }

  #makeFolder(name: string): void {
    mkdirSync(`${this.#options.folder}/${name}`, { recursive: true, mode: 0o701 });
    mkdirSync(this.pathOf(name), { recursive: true, mode: 0o755 });
  }

  async #finishRemoval(name: string): Promise<void> {
    await rm(`${this.#options.folder}/${name}`, { recursive: true, force: true });
    this.#options.store.delete(name);
  }
}

/** Whether nobody has named it. */
export function isAnonymous({ labels }: Pick<VolumeRecord, 'labels'>): boolean {
  return Object.hasOwn(labels, ANONYMOUS_LABEL);
}
