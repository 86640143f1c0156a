/**
 * Repositories: which blobs, manifests and tags each has, and what refers to what as its subject.
 *
 * Records are the truth; all of them are in memory too, so that looking something up never waits. A repository is there
 * as long as it has something.
 */
import type { Digest, RecordStore, RecordStores } from '#base';

export interface ManifestRecord {
  readonly version: 1;
  readonly repository: string;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** What the referrers list gives: the document's own type, or that of its config. Empty: none. */
  readonly artifactType: string;
  readonly subject?: Digest;
  /** Config, layers or manifests, those included that are not there. */
  readonly references: readonly Digest[];
  /** Milliseconds since 1970. */
  readonly pushedAtMs: number;
}

export type NewManifestRecord = Omit<ManifestRecord, 'version' | 'pushedAtMs'>;

interface BlobRecord {
  readonly version: 1;
  readonly repository: string;
  readonly digest: Digest;
  readonly addedAtMs: number;
}

interface TagRecord {
  readonly version: 1;
  readonly repository: string;
  readonly tag: string;
  readonly digest: Digest;
  readonly updatedAtMs: number;
}

interface Repository {
  /** When each was pushed or mounted. */
  readonly blobs: Map<Digest, number>;
  readonly manifests: Map<Digest, ManifestRecord>;
  readonly tags: Map<string, Digest>;
  readonly referrers: Map<Digest, Set<Digest>>;
}

export class Repositories {
  readonly #records: RecordStores;
  readonly #blobs: RecordStore<BlobRecord>;
  readonly #manifests: RecordStore<ManifestRecord>;
  readonly #tags: RecordStore<TagRecord>;
  readonly #nowMs: () => number;
  readonly #byName = new Map<string, Repository>();

  constructor(records: RecordStores, nowMs: () => number) {
    this.#records = records;
    this.#blobs = records.of<BlobRecord>('registry-blob');
    this.#manifests = records.of<ManifestRecord>('registry-manifest');
    this.#tags = records.of<TagRecord>('registry-tag');
    this.#nowMs = nowMs;
    for (const { repository, digest, addedAtMs } of this.#blobs.list()) {
      this.#open(repository).blobs.set(digest, addedAtMs);
    }
    for (const record of this.#manifests.list()) this.#remember(record);
    for (const { repository, tag, digest } of this.#tags.list()) this.#open(repository).tags.set(tag, digest);
  }

  /** In byte order. */
  names(): string[] {
    return [...this.#byName.keys()].sort();
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  hasBlob(name: string, digest: Digest): boolean {
    return this.#byName.get(name)?.blobs.has(digest) === true;
  }

  /** Whether any repository has it. */
  isAnywhere(digest: Digest): boolean {
    return this.#byName.values().some(({ blobs }) => blobs.has(digest));
  }

  addBlob(repository: string, digest: Digest): void {
    const addedAtMs = this.#nowMs();
    this.#records.durably(() =>
      this.#blobs.put(idOf(repository, digest), { version: 1, repository, digest, addedAtMs }),
    );
    this.#open(repository).blobs.set(digest, addedAtMs);
  }

  removeBlobs(repository: string, digests: readonly Digest[]): void {
    this.#records.durably(() => {
      for (const digest of digests) this.#blobs.delete(idOf(repository, digest));
    });
    for (const digest of digests) this.#byName.get(repository)?.blobs.delete(digest);
    this.#closeIfEmpty(repository);
  }

  /** With when each was added. */
  blobs(name: string): ReadonlyMap<Digest, number> {
    return this.#byName.get(name)?.blobs ?? new Map<Digest, number>();
  }

  manifest(name: string, digest: Digest): ManifestRecord | undefined {
    return this.#byName.get(name)?.manifests.get(digest);
  }

  manifests(name: string): ManifestRecord[] {
    return [...(this.#byName.get(name)?.manifests.values() ?? [])];
  }

  /** Records a manifest and points tags to it, all or nothing. */
  putManifest(manifest: NewManifestRecord, tags: readonly string[]): ManifestRecord {
    const { repository, digest } = manifest;
    const updatedAtMs = this.#nowMs();
    const record: ManifestRecord = { version: 1, ...manifest, pushedAtMs: updatedAtMs };
    this.#records.durably(() => {
      this.#manifests.put(idOf(repository, digest), record);
      for (const tag of tags) {
        this.#tags.put(idOf(repository, tag), { version: 1, repository, tag, digest, updatedAtMs });
      }
    });
    this.#remember(record);
    for (const tag of tags) this.#open(repository).tags.set(tag, digest);
    return record;
  }

  /** Removes a manifest and the tags that point to it. */
  removeManifest(name: string, digest: Digest): void {
    const repository = this.#byName.get(name);
    const record = repository?.manifests.get(digest);
    if (!repository || !record) return;
    const tags = [...repository.tags].filter(([, target]) => target === digest).map(([tag]) => tag);
    this.#records.durably(() => {
      this.#manifests.delete(idOf(name, digest));
      for (const tag of tags) this.#tags.delete(idOf(name, tag));
    });
    for (const tag of tags) repository.tags.delete(tag);
    repository.manifests.delete(digest);
    if (record.subject) {
      const others = repository.referrers.get(record.subject);
      others?.delete(digest);
      if (others?.size === 0) repository.referrers.delete(record.subject);
    }
    this.#closeIfEmpty(name);
  }

  tag(name: string, tag: string): Digest | undefined {
    return this.#byName.get(name)?.tags.get(tag);
  }

  /** In byte order. */
  tags(name: string): string[] {
    return [...(this.#byName.get(name)?.tags.keys() ?? [])].sort();
  }

  /** Digests that a tag points to. */
  tagged(name: string): Set<Digest> {
    return new Set(this.#byName.get(name)?.tags.values());
  }

  removeTag(name: string, tag: string): void {
    this.#records.durably(() => this.#tags.delete(idOf(name, tag)));
    this.#byName.get(name)?.tags.delete(tag);
    this.#closeIfEmpty(name);
  }

  /** Manifests with this subject, in byte order of their digests. */
  referrers(name: string, subject: Digest): ManifestRecord[] {
    const repository = this.#byName.get(name);
    const digests = [...(repository?.referrers.get(subject) ?? [])].sort();
    return digests.map((digest) => repository!.manifests.get(digest)!);
  }

  /** All that must stay in the content store. */
  *roots(): Iterable<Digest> {
    for (const { blobs, manifests } of this.#byName.values()) {
      yield* blobs.keys();
      yield* manifests.keys();
    }
  }

  #open(name: string): Repository {
    return this.#byName.getOrInsertComputed(name, () => ({
      blobs: new Map(),
      manifests: new Map(),
      tags: new Map(),
      referrers: new Map(),
    }));
  }

  #closeIfEmpty(name: string): void {
    const repository = this.#byName.get(name);
    if (!repository) return;
    const { blobs, manifests, tags } = repository;
    if (blobs.size === 0 && manifests.size === 0 && tags.size === 0) this.#byName.delete(name);
  }

  #remember(record: ManifestRecord): void {
    const repository = this.#open(record.repository);
    repository.manifests.set(record.digest, record);
    if (!record.subject) return;
    repository.referrers.getOrInsertComputed(record.subject, () => new Set<Digest>()).add(record.digest);
  }
}

/** Names have no blanks. */
const idOf = (repository: string, thing: string): string => `${repository} ${thing}`;
