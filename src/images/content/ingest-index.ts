/** Which partial blobs there are: a record each with its key, the bytes in a file of their own. */
import { rmSync, statSync } from 'node:fs';
import type { RecordStore, RecordStores } from '#base';
import type { ContentFiles } from './content-files.ts';
import type { IngestInfo } from './content-store.ts';
import { errors } from './errors.ts';

interface IngestRecord {
  readonly version: 1;
  readonly key: string;
  /** RFC 3339. */
  readonly startedAt: string;
}

interface Entry {
  readonly startedAt: string;
  updatedAt: string;
  sizeBytes: number;
  isOpen: boolean;
}

export class IngestIndex {
  readonly #store: RecordStore<IngestRecord>;
  readonly #files: ContentFiles;
  readonly #byKey = new Map<string, Entry>();

  /** Takes up what an earlier process left; files without a record and records without a file are dropped. */
  constructor(records: RecordStores, files: ContentFiles) {
    this.#store = records.of<IngestRecord>('ingest');
    this.#files = files;
    const wanted = new Set<string>();
    for (const { key, startedAt } of this.#store.list()) {
      const found = statSync(files.ingest(key), { throwIfNoEntry: false });
      if (!found?.isFile()) {
        this.#store.delete(key);
        continue;
      }
      wanted.add(files.ingest(key));
      const updatedAt = found.mtime.toISOString();
      this.#byKey.set(key, { startedAt, updatedAt, sizeBytes: found.size, isOpen: false });
    }
    for (const path of files.ingests()) if (!wanted.has(path)) rmSync(path, { recursive: true, force: true });
  }

  list(): IngestInfo[] {
    return [...this.#byKey].map(([key, { sizeBytes, startedAt, updatedAt }]) => ({
      key,
      sizeBytes,
      startedAt,
      updatedAt,
    }));
  }

  get bytes(): number {
    let sum = 0;
    for (const { sizeBytes } of this.#byKey.values()) sum += sizeBytes;
    return sum;
  }

  isOpen(key: string): boolean {
    return this.#byKey.get(key)?.isOpen === true;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Claims the key for one writer. Throws `content.busy`. */
  open(key: string, now: string): void {
    const entry = this.#byKey.get(key);
    if (entry?.isOpen === true) throw errors.busy(key);
    if (entry) {
      entry.isOpen = true;
      return;
    }
    this.#store.put(key, { version: 1, key, startedAt: now });
    this.#byKey.set(key, { startedAt: now, updatedAt: now, sizeBytes: 0, isOpen: true });
  }

  note(key: string, sizeBytes: number, now: string): void {
    const entry = this.#byKey.get(key);
    if (entry) Object.assign(entry, { sizeBytes, updatedAt: now });
  }

  /** The writer has ended and its bytes stay. */
  close(key: string): void {
    const entry = this.#byKey.get(key);
    if (entry) entry.isOpen = false;
  }

  /** Forgets the record; part of a transaction where the file has become a blob. */
  forget(key: string): void {
    this.#store.delete(key);
    this.#byKey.delete(key);
  }

  /** Forgets a partial blob and removes its file, which nobody writes. Throws `content.busy`. */
  drop(key: string): void {
    if (this.isOpen(key)) throw errors.busy(key);
    if (!this.has(key)) return;
    // The file first: on a full disk the record goes only when there is room again.
    rmSync(this.#files.ingest(key), { force: true });
    this.forget(key);
  }
}
