/**
 * Folders that outlive the steps they are mounted into (`RUN --mount=type=cache`): one per id, and for `private` more while
 * several steps use it at once.
 *
 * A folder is filled before it is recorded: one that a killed daemon has half filled goes at the next start. While one is
 * read for an export nobody else has it, and before that whoever has it is waited for.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { formatTimeNs, KeyedMutex, nowNs, type RecordStore, type RecordStores } from '#base';
import { measureTree, removeTree } from '#linux';
import { errors } from '../errors.ts';

export interface CacheMountRecord {
  readonly version: 1;
  /** Of the folder. */
  readonly id: string;
  /** As the Dockerfile has it. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly useCount: number;
}

export interface CacheMountWish {
  readonly name: string;
  readonly sharing: 'shared' | 'private' | 'locked';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** What a new one begins with. */
  readonly fill: ((folder: string) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
}

export interface CacheMount extends AsyncDisposable {
  readonly folder: string;
}

export class CacheMounts {
  readonly #root: string;
  readonly #records: RecordStore<CacheMountRecord>;
  readonly #known = new Map<string, CacheMountRecord>();
  /** Folders in use, and by how many steps. */
  readonly #users = new Map<string, number>();
  readonly #locks = new KeyedMutex();
  /** Names of those that are read, and when that is over. */
  readonly #reading = new Map<string, Promise<void>>();
  /** Who waits for a folder that is in use. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Removes folders without a record, which a killed daemon left. */
  constructor(dataRoot: string, stores: RecordStores) {
    this.#root = `${dataRoot}/build/mounts`;
    this.#records = stores.of<CacheMountRecord>('build-mount');
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    for (const record of this.#records.list()) {
      if (existsSync(this.#folder(record.id))) this.#known.set(record.id, record);
      else this.#records.delete(record.id);
    }
    for (const id of readdirSync(this.#root))
      if (!this.#known.has(id)) removeTree(`${this.#root}/${id}`).catch(() => {});
  }

  list(): CacheMountRecord[] {
    return [...this.#known.values()];
  }

  isInUse(id: string): boolean {
    return this.#users.has(id);
  }

  /**
   * The folders for a step, in the order of the wishes; disposing them ends their use. With `locked` it waits for who has
   * one. Throws `build.cancelled`.
   */
  async takeAll(wishes: readonly CacheMountWish[]): Promise<readonly CacheMount[] & AsyncDisposable> {
    await using undo = new AsyncDisposableStack();
    // In one order for all steps, or two of them could wait for each other; what a step asks for twice it gets once.
    const names = [...new Set(wishes.filter(({ sharing }) => sharing === 'locked').map(({ name }) => name))].sort();
    for (const name of names) undo.use(await this.#lock(name, wishes[0]!.signal));
    const mounts: CacheMount[] = [];
    for (const wish of wishes) mounts.push(undo.use(await this.#take(wish)));
    const kept = undo.move();
    return Object.assign(mounts, { [Symbol.asyncDispose]: () => kept.disposeAsync() });
  }

  /**
   * What the reader makes of the folder of that name, with nobody writing into it meanwhile; undefined when there is none.
   * Throws `build.cancelled`, and what the reader throws.
   */
  async read<T>(name: string, signal: AbortSignal, reader: (folder: string) => Promise<T>): Promise<T | undefined> {
    await using _locked = await this.#lock(name, signal);
    const record = this.list().find((each) => each.name === name);
    if (!record) return undefined;
    while (this.#users.has(record.id)) await this.#unused(record.id, signal);
    if (!this.#known.has(record.id)) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reading.set(name, promise);
    // Pruning leaves it alone, too.
    this.#users.set(record.id, 1);
    try {
      return await reader(this.#folder(record.id));
    } finally {
      this.#reading.delete(name);
      this.#release(record.id);
      resolve();
    }
  }

  async #unused(id: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waiting.getOrInsertComputed(id, () => []).push(wake);
    signal.addEventListener('abort', wake, { once: true });
    if (signal.aborted) wake();
    await promise;
    signal.removeEventListener('abort', wake);
    if (signal.aborted) throw errors.cancelled();
  }

  async #lock(name: string, signal: AbortSignal): Promise<AsyncDisposable> {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: taken, resolve, reject } = Promise.withResolvers<void>();
    const cancel = (): void => {
      release();
      reject(errors.cancelled());
    };
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    void this.#locks.run(`lock ${name}`, async () => {
      resolve();
      await released;
    });
    try {
      await taken;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
    return { [Symbol.asyncDispose]: async () => release() };
  }

  /** Does nothing while a step uses it. */
  async remove(id: string): Promise<void> {
    if (this.#users.has(id)) return;
    await this.#remove(id);
  }

  async #remove(id: string): Promise<void> {
    this.#known.delete(id);
    this.#records.delete(id);
    await removeTree(`${this.#root}/${id}`);
  }

  async #take(wish: CacheMountWish): Promise<CacheMount> {
    if (wish.signal.aborted) throw errors.cancelled();
    for (let over = this.#reading.get(wish.name); over; over = this.#reading.get(wish.name)) await over;
    // Whoever asks for the same while it is made waits for it, and gets it.
    const id = this.#existing(wish) ?? (await this.#locks.run(`make ${wish.name}`, () => this.#found(wish)));
    const folder = this.#folder(id);
    return {
      folder,
      [Symbol.asyncDispose]: async () => {
        // However that ends: one that stayed in use would never be removed, and whoever exports it would wait for ever.
        try {
          await this.#used(id, folder);
        } finally {
          this.#release(id);
        }
      },
    };
  }

  async #found(wish: CacheMountWish): Promise<string> {
    if (wish.signal.aborted) throw errors.cancelled();
    return this.#existing(wish) ?? (await this.#make(wish));
  }

  /** In use from now on. */
  #existing({ name, sharing }: CacheMountWish): string | undefined {
    const existing = this.list().find(
      (each) => each.name === name && (sharing !== 'private' || !this.#users.has(each.id)),
    );
    if (existing) this.#users.set(existing.id, (this.#users.get(existing.id) ?? 0) + 1);
    return existing?.id;
  }

  /** In use from now on; recorded when it is filled. */
  async #make({ name, mode, uid, gid, fill }: CacheMountWish): Promise<string> {
    const id = randomUUID();
    const folder = this.#folder(id);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chownSync(folder, uid, gid);
      chmodSync(folder, mode);
      await fill?.(folder);
      const now = formatTimeNs(nowNs());
      this.#put({ version: 1, id, name, sizeBytes: 0, createdAt: now, lastUsedAt: now, useCount: 0 });
      this.#users.set(id, 1);
      return id;
    } catch (error) {
      await removeTree(`${this.#root}/${id}`);
      throw error;
    }
  }

  async #used(id: string, folder: string): Promise<void> {
    const sizeBytes = await measureTree(folder);
    const record = this.#known.get(id);
    if (record) this.#put({ ...record, sizeBytes, lastUsedAt: formatTimeNs(nowNs()), useCount: record.useCount + 1 });
  }

  #release(id: string): void {
    const left = (this.#users.get(id) ?? 1) - 1;
    if (left > 0) return void this.#users.set(id, left);
    this.#users.delete(id);
    for (const wake of this.#waiting.get(id) ?? []) wake();
    this.#waiting.delete(id);
  }

  #put(record: CacheMountRecord): void {
    this.#records.put(record.id, record);
    this.#known.set(record.id, record);
  }

  /** In a folder of its own, which others cannot enter: what steps keep may be anything. */
  #folder(id: string): string {
    return `${this.#root}/${id}/data`;
  }
}
