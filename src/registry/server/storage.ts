/**
 * What the server needs of a content store. Any store will do that keeps the rules of
 * `src/images/content/content-store.ts`: leases, partial blobs under keys, blobs by digest.
 */
import type { Readable } from 'node:stream';
import type { Digest } from '#base';

export interface StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface StorageLease {
  hold(resource: string): void;
  release(): void;
  keepFor(milliseconds: number): void;
}

export interface StorageIngest extends AsyncDisposable {
  /** Bytes held so far. */
  readonly sizeBytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Gives all to the file and the memory back. */
  flush(): Promise<void>;
  restart(): Promise<void>;
  /** A part of what is in the file, at most `length` bytes from `position`; empty where nothing is yet. */
  read(position: number, length: number): Promise<Buffer>;
  commit(options?: { readonly digest?: Digest }): Promise<StoredBlob>;
  /** Closes and forgets it. */
  abort(): Promise<void>;
}

export interface IngestWishes {
  readonly lease: StorageLease;
  readonly digest?: Digest;
  readonly sizeBytes?: number;
  readonly algorithm?: 'sha256' | 'sha512';
  readonly signal?: AbortSignal;
}

export interface RegistryContent {
  stat(digest: Digest): StoredBlob | undefined;
  open(digest: Digest, range?: { readonly start: number; readonly end: number }): Readable;
  read(digest: Digest, limitBytes: number): Promise<Buffer>;
  put(
    bytes: Uint8Array,
    options: { readonly lease: StorageLease; readonly digest?: Digest; readonly references?: readonly Digest[] },
  ): StoredBlob;
  ingest(key: string, options: IngestWishes): Promise<StorageIngest>;
  ingests(): readonly { readonly key: string; readonly sizeBytes: number; readonly updatedAt: string }[];
  dropIngest(key: string): Promise<void>;
  /** A transient one ends with the process. */
  lease(name: string, options?: { readonly isTransient?: boolean }): StorageLease;
  collect(roots: Iterable<Digest>): Promise<{ readonly removed: readonly StoredBlob[]; readonly freedBytes: number }>;
}
