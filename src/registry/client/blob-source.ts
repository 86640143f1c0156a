/** Where pushed blobs come from: the few methods of a content store that a push uses. */
import type { Readable } from 'node:stream';
import type { Digest } from '#base';

export interface BlobSource {
  stat(digest: Digest): { readonly sizeBytes: number } | undefined;
  /** The bytes, or those from `start` to `end`, both inclusive. */
  open(digest: Digest, range?: { readonly start: number; readonly end: number }): Readable;
  /** A small blob, verified. */
  read(digest: Digest, limitBytes: number): Promise<Buffer>;
}
