/** Blobs in memory with the rules of a content store: for tests, and for embedding without a disk. */
import { Readable } from 'node:stream';
import { type Digest, digestOf, digestParts, SkiffError } from '#base';
import type { BlobSource } from './blob-source.ts';
import type { BlobIngest, BlobLease, BlobTarget } from './blob-target.ts';

const refusal = (code: string, message: string): SkiffError => new SkiffError('invalid', `content.${code}`, message);

export class MemoryBlobs implements BlobTarget, BlobSource {
  readonly #blobs = new Map<Digest, Buffer>();
  readonly #partial = new Map<string, Buffer[]>();
  readonly #open = new Set<string>();
  /** What leases were told to hold. */
  readonly held = new Set<string>();
  readonly references = new Map<Digest, readonly Digest[]>();
  readonly lease: BlobLease = { hold: (resource) => void this.held.add(resource) };

  /** Adds a blob; its digest. */
  add(bytes: Uint8Array): Digest {
    const digest = digestOf(bytes);
    this.#blobs.set(digest, Buffer.from(bytes));
    return digest;
  }

  digests(): Digest[] {
    return [...this.#blobs.keys()];
  }

  remove(digest: Digest): void {
    this.#blobs.delete(digest);
  }

  /** Bytes of an ingest that has not been committed. */
  partialBytes(key: string): number {
    return sizeOf(this.#partial.get(key) ?? []);
  }

  stat(digest: Digest): { readonly sizeBytes: number } | undefined {
    const bytes = this.#blobs.get(digest);
    return bytes && { sizeBytes: bytes.length };
  }

  open(digest: Digest, range?: { readonly start: number; readonly end: number }): Readable {
    const bytes = this.#get(digest);
    const part = range ? bytes.subarray(range.start, range.end + 1) : bytes;
    const pieces = Array.from({ length: Math.ceil(part.length / 65_536) }, (_, at) =>
      part.subarray(at * 65_536, (at + 1) * 65_536),
    );
    return Readable.from(pieces, { objectMode: false });
  }

  read(digest: Digest, limitBytes: number): Promise<Buffer> {
    const bytes = this.#get(digest);
    if (bytes.length > limitBytes) throw refusal('tooLarge', `${digest} is larger than ${limitBytes} bytes`);
    return Promise.resolve(bytes);
  }

  put(bytes: Uint8Array, { lease, digest, references = [] }: Parameters<BlobTarget['put']>[1]): void {
    const actual = digestOf(bytes, digest ? digestParts(digest).algorithm : 'sha256');
    if (digest && actual !== digest) throw refusal('wrongDigest', `${actual} instead of ${digest}`);
    lease.hold(actual);
    if (!this.#blobs.has(actual)) this.#blobs.set(actual, Buffer.from(bytes));
    this.references.set(actual, references);
  }

  ingest(key: string, { lease, digest, sizeBytes }: Parameters<BlobTarget['ingest']>[1]): Promise<BlobIngest> {
    if (this.#open.has(key)) throw refusal('busy', `${key} is being written already`);
    this.#open.add(key);
    const pieces = this.#partial.getOrInsertComputed(key, () => []);
    const close = (): void => void this.#open.delete(key);
    return Promise.resolve({
      get sizeBytes() {
        return sizeOf(pieces);
      },
      write: async (piece: Uint8Array) => {
        if (sizeBytes !== undefined && sizeOf(pieces) + piece.length > sizeBytes) {
          throw refusal('tooLarge', `${key}: more than ${sizeBytes} bytes`);
        }
        pieces.push(Buffer.from(piece));
      },
      restart: async () => void pieces.splice(0),
      commit: async () => {
        const bytes = Buffer.concat(pieces);
        this.#partial.delete(key);
        close();
        if (sizeBytes !== undefined && bytes.length !== sizeBytes) {
          throw refusal('wrongSize', `${key}: ${bytes.length} bytes instead of ${sizeBytes}`);
        }
        this.put(bytes, { lease, ...(digest ? { digest } : {}) });
      },
      [Symbol.asyncDispose]: async () => close(),
    });
  }

  #get(digest: Digest): Buffer {
    const bytes = this.#blobs.get(digest);
    if (!bytes) throw new SkiffError('not-found', 'content.noSuch', `no such blob: ${digest}`);
    return bytes;
  }
}

const sizeOf = (pieces: readonly Buffer[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0);
