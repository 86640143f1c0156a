/** Image records, on disk and in memory, found by id, name, digest, or the beginning of an id. */
import type { RecordStore, RecordStores } from '#base';
import { compareNames, parseReference } from '#registry';
import { errors } from './errors.ts';
import type { ImageRecord } from './image-record.ts';

/** Everything is also kept in memory: every start of a container asks. */
export class ImageIndex {
  readonly #records: RecordStores;
  readonly #store: RecordStore<ImageRecord>;
  readonly #byId = new Map<string, ImageRecord>();
  /** By `name:tag` and by `name@digest`. */
  readonly #byName = new Map<string, string>();

  constructor(records: RecordStores) {
    this.#records = records;
    this.#store = records.of<ImageRecord>('image');
    for (const record of this.#store.list()) this.#remember(record);
  }

  get(id: string): ImageRecord | undefined {
    return this.#byId.get(id);
  }

  /** By full name: `name:tag` or `name@digest`. */
  named(name: string): ImageRecord | undefined {
    const id = this.#byName.get(name);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  list(): ImageRecord[] {
    return [...this.#byId.values()];
  }

  /**
   * compat: a full id first, then a name, then part of an id, so that an image named `cafe` is found before one whose
   * id begins so. Throws `image.ambiguous`, `reference.badReference` and its kin.
   */
  find(reference: string): ImageRecord | undefined {
    const exact = this.#byId.get(reference);
    if (exact) return exact;
    const [, digits] = /^(?:sha256:)?([0-9a-f]+)$/.exec(reference) ?? [];
    if (digits?.length === 64) return this.#byId.get(`sha256:${digits}`) ?? this.#withDigest(`sha256:${digits}`);
    if (digits === undefined || !reference.startsWith('sha256:')) {
      const { name, tag, digest } = parseReference(reference);
      // compat: with a digest the tag is not looked at.
      const found = this.named(digest === undefined ? `${name}:${tag ?? 'latest'}` : `${name}@${digest}`);
      if (found || digits === undefined) return found;
    }
    const matches = this.list().filter(({ id }) => id.startsWith(`sha256:${digits}`));
    if (matches.length > 1) throw errors.ambiguous(reference);
    return matches[0];
  }

  /** compat: what a push, pull or build told by its digest is found by it, without the name. */
  #withDigest(digest: string): ImageRecord | undefined {
    return this.list().find(
      ({ repoDigests, roots = [] }) =>
        repoDigests.some((name) => name.endsWith(`@${digest}`)) || roots.some(({ root }) => root.digest === digest),
    );
  }

  /** Saves records, all or none, their names in order. Durable: they survive a power cut. */
  put(fresh: readonly ImageRecord[], isDurable = true): void {
    const records = fresh.map(({ roots = [], ...record }): ImageRecord => {
      // What a name stood for goes with the name.
      const named = roots.filter(({ tag }) => tag === '' || record.tags.includes(tag));
      return {
        ...record,
        tags: record.tags.toSorted(compareNames),
        repoDigests: record.repoDigests.toSorted(compareNames),
        ...(named.length === 0 ? {} : { roots: named }),
      };
    });
    const transaction = isDurable ? this.#records.durably : this.#records.atomically;
    transaction(() => {
      for (const record of records) this.#store.put(record.id, record);
    });
    for (const record of records) this.#forget(record.id);
    for (const record of records) this.#remember(record);
  }

  /** All of them or none, so that they stay away after a power cut. */
  delete(ids: readonly string[]): void {
    this.#records.durably(() => {
      for (const id of ids) this.#store.delete(id);
    });
    for (const id of ids) {
      this.#forget(id);
      this.#byId.delete(id);
    }
  }

  #remember(record: ImageRecord): void {
    this.#byId.set(record.id, record);
    for (const name of [...record.tags, ...record.repoDigests]) this.#byName.set(name, record.id);
  }

  #forget(id: string): void {
    const record = this.#byId.get(id);
    for (const name of [...(record?.tags ?? []), ...(record?.repoDigests ?? [])]) {
      if (this.#byName.get(name) === id) this.#byName.delete(name);
    }
  }
}
