/**
 * Where pulled blobs go: the few methods of a content store that a pull uses, so that any store will do.
 *
 * The rules are those of `src/images/content/content-store.ts`: an ingest that ends early keeps its bytes under its
 * key, and opening the same key goes on behind them.
 */
import type { Digest } from '#base';

/** Keeps what it holds from being collected. */
export interface BlobLease {
  hold(resource: string): void;
}

export interface BlobTarget {
  /** Undefined when the blob is not there, whole. */
  stat(digest: Digest): { readonly sizeBytes: number } | undefined;
  /** A small blob, verified. */
  read(digest: Digest, limitBytes: number): Promise<Buffer>;
  put(
    bytes: Uint8Array,
    options: { readonly lease: BlobLease; readonly digest?: Digest; readonly references?: readonly Digest[] },
  ): unknown;
  /** One writer per key. */
  ingest(
    key: string,
    options: {
      readonly lease: BlobLease;
      readonly digest?: Digest;
      readonly sizeBytes?: number;
      /** Ends the reading of bytes held so far. */
      readonly signal?: AbortSignal;
    },
  ): Promise<BlobIngest>;
}

/** Disposing it without `commit` keeps the bytes for going on. */
export interface BlobIngest extends AsyncDisposable {
  /** Bytes held so far. */
  readonly sizeBytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Starts over from nothing. */
  restart(): Promise<void>;
  /** Verifies size and digest. After a refusal the bytes are gone. */
  commit(): Promise<unknown>;
}
