/**
 * Content: blobs by digest, whole or not there.
 *
 * The story. An operation takes a *lease*, which keeps what it touches from being collected. It *ingests* blobs under
 * a key of its own choosing: bytes go to a partial file, are hashed on the way, and `commit` verifies size and digest
 * before the blob has its name. An ingest that ends early keeps its bytes; opening the same key again goes on behind
 * them, also after a restart of the daemon. When the operation has recorded what it wants (an image, a tag), it
 * releases the lease; when it failed half-way it may leave the lease to expire, so that a later try finds what was
 * there already. `collect` removes what neither roots nor leases reach through the blobs' references, and the partial
 * blobs whose lease is over.
 */
import type { Readable } from 'node:stream';
import type { Digest } from '#base';

export interface BlobInfo {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Blobs this one needs to make sense: a manifest's config and layers, an index's manifests. */
  readonly references: readonly Digest[];
}

export interface CommittedBlob extends BlobInfo {
  /** False when the same bytes were there already: then nothing was written, and what is on the disk not looked at. */
  readonly isNew: boolean;
}

export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** Last byte, inclusive. */
  readonly end: number;
}

export interface ContentStore {
  stat(digest: Digest): BlobInfo | undefined;
  list(): BlobInfo[];
  /** The blob's file, never to be changed. Throws `content.noSuch`. */
  path(digest: Digest): string;
  /** The blob's bytes, or a part of them. Throws `content.noSuch`. */
  open(digest: Digest, range?: ByteRange): Readable;
  /** A small blob, verified. Throws `content.noSuch`, `content.tooLarge`, `content.damaged`. */
  read(digest: Digest, limitBytes: number): Promise<Buffer>;
  /** Keeps bytes at hand; what is there already is kept. `digest` is verified where it is given. */
  put(bytes: Uint8Array, options: PutOptions): BlobInfo;
  /** Opens a partial blob for writing. One writer per key: throws `content.busy`. */
  ingest(key: string, options: IngestOptions): Promise<Ingest>;
  /** Partial blobs that are kept for going on. */
  ingests(): IngestInfo[];
  /** Forgets a partial blob; what is missing is no error. Throws `content.busy`. */
  dropIngest(key: string): Promise<void>;
  /** Takes a lease, or takes up one that an earlier try left under this name. */
  lease(name: string, options?: LeaseOptions): Lease;
  /** Whether any lease holds this, under the name it was held by. */
  isHeld(resource: string): boolean;
  /** Removes all that roots and leases do not reach, partial blobs included. Gives what went. */
  collect(roots: Iterable<Digest>): Promise<Collected>;
  /** Counted from records, without looking at the disk; `roots` tell what could be collected. */
  usage(roots: Iterable<Digest>): ContentUsage;
}

export interface Collected {
  readonly removed: readonly BlobInfo[];
  /** Blobs and partial blobs. */
  readonly freedBytes: number;
}

export interface ContentUsage {
  readonly count: number;
  readonly bytes: number;
  /** What `collect` would remove now. */
  readonly reclaimableCount: number;
  readonly reclaimableBytes: number;
  /** Partial blobs. */
  readonly ingestCount: number;
  readonly ingestBytes: number;
}

export interface LeaseOptions {
  /** What it holds does not outlive this process: no later one could go on with the work. */
  readonly isTransient?: boolean;
}

export interface PutOptions {
  readonly lease: Lease;
  readonly digest?: Digest;
  readonly references?: readonly Digest[];
}

export interface IngestOptions {
  readonly lease: Lease;
  /** Verified at commit. */
  readonly digest?: Digest;
  readonly sizeBytes?: number;
  /** Of the digest to compute when none is expected. */
  readonly algorithm?: 'sha256' | 'sha512';
  readonly references?: readonly Digest[];
  /** Ends the reading of what is there already. */
  readonly signal?: AbortSignal;
}

export interface IngestInfo {
  readonly key: string;
  readonly sizeBytes: number;
  readonly startedAt: string;
  readonly updatedAt: string;
}

/** Disposing it without `commit` closes it and keeps the bytes for going on. */
export interface Ingest extends AsyncDisposable {
  /** Bytes held so far: where to go on. */
  readonly sizeBytes: number;
  /**
   * Appends; the chunk is the caller's again at once. Await it: that is the back-pressure. Throws `content.tooLarge`
   * beyond the expected size, `content.noSpace`; after the latter the ingest is of no use, what is on disk stays.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Gives all to the file and the buffers back: what an ingest should do that is left open for a while. */
  flush(): Promise<void>;
  /** A part of what has reached the file: at most `length` bytes from `position`, none where there is nothing yet. */
  read(position: number, length: number): Promise<Buffer>;
  /** Starts over: the source does not go on where it was. */
  restart(): Promise<void>;
  /**
   * Makes it a blob. Throws `content.wrongSize` and `content.wrongDigest`; the bytes are then dropped, for they can
   * never become right.
   */
  commit(options?: { readonly references?: readonly Digest[]; readonly digest?: Digest }): Promise<CommittedBlob>;
  /** Closes and forgets it. */
  abort(): Promise<void>;
}

/**
 * Keeps blobs (and layers, under names of their own) from being collected. Should the process be killed, what it held
 * is kept for a day.
 */
export interface Lease extends Disposable {
  readonly name: string;
  /** Hold first, then look whether it is there: the other way round it may go in between. */
  hold(resource: string): void;
  /** Ends it: what it held is kept by something else, or may go. Disposing does the same. */
  release(): void;
  /** Ends the work but keeps what it held for this long, over restarts too. */
  keepFor(milliseconds: number): void;
}
