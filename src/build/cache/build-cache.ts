/**
 * What steps gave before, by what they were: a record per result, found by any of its keys.
 *
 * The story. A step has a key of what it does and what it reads (solve/keys.ts). A result is a stack of layers and an
 * *identity*, which keys of later steps are made of: the key it was first made under, the same wherever the same build
 * runs. Results are recorded after their layers are, and layers nobody records go at the next collection, so a killed
 * daemon leaves no half of one. What is used last stays longest; what a running build uses stays in any case.
 */
import { randomUUID } from 'node:crypto';
import { type Digest, formatTimeNs, nowNs, type RecordStore, type RecordStores } from '#base';
import type { LayerKey } from '#images';

export interface CacheEntry {
  readonly version: 1;
  readonly id: string;
  readonly keys: readonly Digest[];
  readonly identity: string;
  /** Of the whole tree, lowest first. */
  readonly layers: readonly LayerKey[];
  /** Those of them this step made. */
  readonly own: readonly LayerKey[];
  readonly kind: 'regular' | 'source.git.checkout' | 'source.http';
  readonly description: string;
  /** Nanoseconds since 1970: when a source says it was made. */
  readonly sourceTimeNs?: string;
  /** Of a download: what the server called it, and what it held. */
  readonly download?: { readonly etag: string; readonly digest: Digest };
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly useCount: number;
}

export type NewEntry = Pick<
  CacheEntry,
  'keys' | 'identity' | 'layers' | 'own' | 'kind' | 'description' | 'sourceTimeNs'
>;

export class BuildCache {
  readonly #records: RecordStore<CacheEntry>;
  readonly #stores: RecordStores;
  readonly #entries = new Map<string, CacheEntry>();
  readonly #byKey = new Map<Digest, string>();
  /** Used since the last `flush`. */
  readonly #used = new Set<string>();
  /** Entries running builds rely on, and how many do. */
  readonly #inUse = new Map<string, number>();

  /** Whether results were forgotten whose layers nobody may want any more. */
  #hasForgotten = false;

  constructor(stores: RecordStores) {
    this.#stores = stores;
    this.#records = recordsOf(stores);
    for (const entry of this.#records.list()) this.#index(entry);
  }

  list(): CacheEntry[] {
    return [...this.#entries.values()];
  }

  isInUse(id: string): boolean {
    return this.#inUse.has(id);
  }

  get(id: string): CacheEntry | undefined {
    return this.#entries.get(id);
  }

  find(key: Digest): CacheEntry | undefined {
    const id = this.#byKey.get(key);
    return id === undefined ? undefined : this.#entries.get(id);
  }

  /** Keeps an entry until disposed, and notes that it was used. */
  use(entry: CacheEntry): Disposable {
    const { id } = entry;
    this.#used.add(id);
    this.#inUse.set(id, (this.#inUse.get(id) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#inUse.get(id) ?? 1) - 1;
        if (left > 0) this.#inUse.set(id, left);
        else this.#inUse.delete(id);
      },
    };
  }

  /** Records a result; who had one of the keys loses it. */
  add(entry: NewEntry): CacheEntry {
    const now = formatTimeNs(nowNs());
    const record: CacheEntry = { ...entry, version: 1, id: randomUUID(), createdAt: now, lastUsedAt: now, useCount: 0 };
    this.#stores.atomically(() => {
      this.#release(entry.keys);
      this.#put(record);
    });
    return record;
  }

  /** Notes what the server calls a download, found by `key` from now on; what had that key before loses it. */
  noteDownload(id: string, key: Digest, download: NonNullable<CacheEntry['download']>): void {
    const found = this.#entries.get(id);
    if (!found) return;
    this.#stores.atomically(() => {
      if (!found.keys.includes(key)) this.#release([key]);
      const keys = found.keys.includes(key) ? found.keys : [...found.keys, key];
      this.#put({ ...found, keys, download });
    });
  }

  /** The same result under one more key. */
  alias(entry: CacheEntry, key: Digest): void {
    const now = this.#entries.get(entry.id);
    if (now && !now.keys.includes(key)) this.#put({ ...now, keys: [...now.keys, key] });
  }

  remove(id: string): void {
    const entry = this.#entries.get(id);
    this.#hasForgotten = true;
    this.#records.delete(id);
    this.#entries.delete(id);
    for (const key of entry?.keys ?? []) if (this.#byKey.get(key) === id) this.#byKey.delete(key);
  }

  /** Whether results were forgotten since the last call. */
  takeForgotten(): boolean {
    const hasForgotten = this.#hasForgotten;
    this.#hasForgotten = false;
    return hasForgotten;
  }

  /** Writes down what was used. */
  flush(): void {
    if (this.#used.size === 0) return;
    const lastUsedAt = formatTimeNs(nowNs());
    this.#stores.atomically(() => {
      for (const id of this.#used) {
        const entry = this.#entries.get(id);
        if (entry) this.#put({ ...entry, lastUsedAt, useCount: entry.useCount + 1 });
      }
    });
    this.#used.clear();
  }

  #release(taken: readonly Digest[]): void {
    for (const loser of new Set(taken.flatMap((key) => this.find(key) ?? []))) {
      const keys = loser.keys.filter((key) => !taken.includes(key));
      if (keys.length > 0) this.#put({ ...loser, keys });
      else this.remove(loser.id);
    }
  }

  #put(entry: CacheEntry): void {
    this.#records.put(entry.id, entry);
    this.#index(entry);
  }

  #index(entry: CacheEntry): void {
    for (const key of this.#entries.get(entry.id)?.keys ?? []) this.#byKey.delete(key);
    this.#entries.set(entry.id, entry);
    for (const key of entry.keys) this.#byKey.set(key, entry.id);
  }
}

const recordsOf = (stores: RecordStores): RecordStore<CacheEntry> => stores.of<CacheEntry>('build-step');

/** Layers the cache wants kept; also before it is opened. */
export function cachedLayers(stores: RecordStores): Set<LayerKey> {
  return new Set(
    recordsOf(stores)
      .list()
      .flatMap(({ layers }) => layers),
  );
}
