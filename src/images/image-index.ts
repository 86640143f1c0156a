/** Image records by id, by tag and by part of an id: in memory, written through to the record store. */
import type { Digest, RecordStore, RecordStores } from '#base';
import { errors } from './errors.ts';
import type { ImageRecord } from './image-record.ts';
import { parseReference } from '#registry';

export class ImageIndex {
  readonly #records: RecordStores;
  readonly #store: RecordStore<ImageRecord>;
  readonly #byId = new Map<string, ImageRecord>();
  readonly #byTag = new Map<string, string>();

  constructor(records: RecordStores) {
    this.#records = records;
    this.#store = records.of<ImageRecord>('image');
    for (const record of this.#store.list()) this.#remember(record);
  }

  get(id: string): ImageRecord | undefined {
    return this.#byId.get(id);
  }

  /** By full tag, `name:tag`. */
  tagged(tag: string): ImageRecord | undefined {
    const id = this.#byTag.get(tag);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  list(): ImageRecord[] {
    return [...this.#byId.values()];
  }

  /** All layers an image is made of. */
  layers(): Set<Digest> {
    return new Set(this.list().flatMap((image) => image.layers));
  }

  /**
   * compat: a full id first, then a name, then part of an id, so that an image named `cafe` is found before one whose
   * id begins so. Throws `image.ambiguous`, `reference.badReference` and its kin.
   */
  find(reference: string): ImageRecord | undefined {
    const [, digits] = /^(?:sha256:)?([0-9a-f]+)$/.exec(reference) ?? [];
    if (digits?.length === 64) return this.#byId.get(`sha256:${digits}`);
    if (digits === undefined || !reference.startsWith('sha256:')) {
      const { name, tag, digest } = parseReference(reference);
      const found = digest === undefined ? this.tagged(`${name}:${tag ?? 'latest'}`) : undefined;
      if (found || digits === undefined) return found;
    }
    const matches = this.list().filter(({ id }) => id.startsWith(`sha256:${digits}`));
    if (matches.length > 1) throw errors.ambiguous(reference);
    return matches[0];
  }

  /** Saves records, all or none, so that they survive a power cut. */
  put(records: readonly ImageRecord[]): void {
    this.#records.durably(() => {
      for (const record of records) this.#store.put(record.id, record);
    });
    for (const record of records) this.#forget(record.id);
    for (const record of records) this.#remember(record);
  }

  delete(id: string): void {
    this.#records.durably(() => this.#store.delete(id));
    this.#forget(id);
    this.#byId.delete(id);
  }

  #remember(record: ImageRecord): void {
    this.#byId.set(record.id, record);
    for (const tag of record.tags) this.#byTag.set(tag, record.id);
  }

  #forget(id: string): void {
    for (const tag of this.#byId.get(id)?.tags ?? []) if (this.#byTag.get(tag) === id) this.#byTag.delete(tag);
  }
}
