/**
 * Which blobs there are: records, kept in memory too, with their sum. A record implies a whole file.
 *
 * Marking and sweeping are here as well: both look at nothing but records, in one turn of the event loop, so that
 * nobody can take hold of a blob between the decision that it goes and its record's end.
 */
import type { Digest, RecordStore, RecordStores } from '#base';
import type { BlobInfo } from './content-store.ts';

interface BlobRecord extends BlobInfo {
  readonly version: 1;
}

export interface AddOptions {
  readonly isDurable?: boolean;
  readonly also?: () => void;
}

export class BlobIndex {
  readonly #records: RecordStores;
  readonly #store: RecordStore<BlobRecord>;
  readonly #byDigest = new Map<Digest, BlobInfo>();
  #bytes = 0;

  constructor(records: RecordStores) {
    this.#records = records;
    this.#store = records.of<BlobRecord>('blob');
    for (const { version: _, ...info } of this.#store.list()) this.#remember(info);
  }

  get size(): number {
    return this.#byDigest.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(digest: Digest): BlobInfo | undefined {
    return this.#byDigest.get(digest);
  }

  list(): BlobInfo[] {
    return [...this.#byDigest.values()];
  }

  /** Records a blob whose file is there; `also` is part of the transaction. Durable: survives a power cut. */
  add(info: BlobInfo, { isDurable = true, also = () => {} }: AddOptions = {}): void {
    const transaction = isDurable ? this.#records.durably : this.#records.atomically;
    transaction(() => {
      this.#store.put(info.digest, { version: 1, ...info });
      also();
    });
    this.#remember(info);
  }

  /** The blob with more references, when it is there. */
  extend(digest: Digest, references: readonly Digest[]): BlobInfo | undefined {
    const info = this.#byDigest.get(digest);
    if (!info || references.every((each) => info.references.includes(each))) return info;
    const extended = { ...info, references: [...new Set([...info.references, ...references])] };
    this.add(extended);
    return extended;
  }

  /** Forgets blobs. Throws what the database refuses; they are forgotten then too, `dropRecords` tries again. */
  remove(infos: readonly BlobInfo[]): void {
    for (const { digest } of infos) this.#forget(digest);
    this.dropRecords(infos);
  }

  /** Removes the records of blobs that were forgotten and have not come back. */
  dropRecords(infos: readonly BlobInfo[]): void {
    const gone = infos.filter(({ digest }) => !this.#byDigest.has(digest));
    if (gone.length === 0) return;
    this.#records.atomically(() => {
      for (const { digest } of gone) this.#store.delete(digest);
    });
  }

  /** What neither these nor anything they reach through references needs. */
  unreached(roots: Iterable<string>): BlobInfo[] {
    const reached = new Set<string>();
    const waiting = [...roots];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      waiting.push(...(this.#byDigest.get(next as Digest)?.references ?? []));
    }
    return this.list().filter(({ digest }) => !reached.has(digest));
  }

  #remember(info: BlobInfo): void {
    this.#forget(info.digest);
    this.#byDigest.set(info.digest, info);
    this.#bytes += info.sizeBytes;
  }

  #forget(digest: Digest): void {
    this.#bytes -= this.#byDigest.get(digest)?.sizeBytes ?? 0;
    this.#byDigest.delete(digest);
  }
}
