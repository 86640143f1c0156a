/**
 * Takes the files of an image archive into the content store as they stream by, each under the digest of its bytes,
 * and remembers which path had which. What a file means is decided when all are there: archives may put the list of
 * images last.
 */
import { posix } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Digest } from '#base';
import { bytesOf, shown, type TarEntry, TarReader, type TarSink } from '#wire';
import { archiveBytes, formatOf } from '../layers/archive-stream.ts';
import type { ContentStore, Ingest, Lease } from '../content/content-store.ts';
import { errors } from '../errors.ts';

export interface StoredFile {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** `gzip`, `zstd` …; undefined for what is not compressed. */
  readonly format: string | undefined;
  /** Its bytes have just been hashed on their way to the disk; false when the store had them before. */
  readonly isNew: boolean;
}

export type StoredFiles = ReadonlyMap<string, StoredFile>;

export interface StoreEntriesRequest {
  readonly content: ContentStore;
  readonly lease: Lease;
  /** In front of the ingests' keys. */
  readonly key: string;
  readonly signal?: AbortSignal | undefined;
  /** Called for each file that looks like a layer, once it is whole. */
  onLayer(file: StoredFile): void;
}

/** An archive with more files is no image. */
const MAX_FILES = 200_000;

/** Files of Docker's oldest format that nobody reads any more. */
const IGNORED = /(^|\/)(VERSION|json)$/;

/** The files by path. Throws `tar.*`, `image.badArchive`, `content.*`. */
export async function storeEntries(archive: Readable, request: StoreEntriesRequest): Promise<StoredFiles> {
  const sink = new EntrySink(request);
  const reader = new TarReader(sink);
  if (request.signal) addAbortSignal(request.signal, archive);
  try {
    for await (const chunk of archiveBytes(archive)) {
      if (request.signal?.aborted === true) throw errors.cancelled('load');
      reader.push(chunk);
      await sink.drained();
    }
    reader.end();
    await sink.drained();
    return sink.files();
  } catch (error) {
    await sink.abandon();
    throw request.signal?.aborted === true ? errors.cancelled('load') : error;
  }
}

type Step =
  | { readonly kind: 'begin'; readonly path: string; readonly size: number }
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'hole'; readonly length: number }
  | { readonly kind: 'end' };

/** The reader pushes, the store is awaited: steps queue up in between, for one chunk of the archive at most. */
class EntrySink implements TarSink {
  readonly #request: StoreEntriesRequest;
  readonly #stored = new Map<string, StoredFile>();
  readonly #links = new Map<string, string>();
  #steps: Step[] = [];
  #count = 0;
  #isSkipping = false;
  #open: { readonly path: string; readonly ingest: Ingest; head: Buffer } | undefined;

  constructor(request: StoreEntriesRequest) {
    this.#request = request;
  }

  entry(entry: TarEntry): void {
    this.#count += 1;
    if (this.#count > MAX_FILES) throw errors.badArchive(`it holds more than ${MAX_FILES} files`);
    const path = cleanPath(entry);
    this.#isSkipping = IGNORED.test(path);
    if (entry.type === 'file' && !this.#isSkipping) {
      this.#steps.push({ kind: 'begin', path, size: entry.size });
    } else if (entry.type === 'symlink' || entry.type === 'hard-link') {
      // compat: `docker save` of old links layers that are the same.
      const target = bytesOf(entry.linkPath).toString();
      const base = entry.type === 'symlink' ? posix.dirname(path) : '.';
      this.#links.set(path, posix.normalize(posix.join(base, target)).replace(/^\/+/, ''));
    }
  }

  data(bytes: Buffer): void {
    // The reader's buffer is the archive's chunk, which nobody changes.
    if (!this.#isSkipping) this.#steps.push({ kind: 'data', bytes });
  }

  hole(length: number): void {
    if (!this.#isSkipping) this.#steps.push({ kind: 'hole', length });
  }

  end(): void {
    if (!this.#isSkipping) this.#steps.push({ kind: 'end' });
    this.#isSkipping = false;
  }

  async drained(): Promise<void> {
    const steps = this.#steps;
    this.#steps = [];
    for (const step of steps) {
      if (step.kind === 'begin') await this.#begin(step.path, step.size);
      else if (step.kind === 'data') await this.#write(step.bytes);
      else if (step.kind === 'hole') await this.#writeHole(step.length);
      else await this.#finish();
    }
  }

  files(): StoredFiles {
    const all = new Map(this.#stored);
    for (const path of this.#links.keys()) {
      const file = this.#resolve(path, 8);
      if (file) all.set(path, file);
    }
    return all;
  }

  async abandon(): Promise<void> {
    await this.#open?.ingest.abort();
    this.#open = undefined;
  }

  async #begin(path: string, sizeBytes: number): Promise<void> {
    const { content, lease, key } = this.#request;
    const ingest = await content.ingest(`${key} ${this.#count} ${path}`, { lease, sizeBytes });
    this.#open = { path, ingest, head: Buffer.alloc(0) };
  }

  async #write(bytes: Buffer): Promise<void> {
    const open = this.#open!;
    if (open.head.length < HEAD_BYTES) {
      open.head = Buffer.concat([open.head, bytes.subarray(0, HEAD_BYTES - open.head.length)]);
    }
    await open.ingest.write(bytes);
  }

  async #writeHole(length: number): Promise<void> {
    for (let left = length; left > 0; left -= ZEROS.length) {
      if (this.#request.signal?.aborted === true) throw errors.cancelled('load');
      await this.#write(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
    }
  }

  async #finish(): Promise<void> {
    const { path, ingest, head } = this.#open!;
    const { digest, sizeBytes, isNew } = await ingest.commit();
    this.#open = undefined;
    const file: StoredFile = { digest, sizeBytes, format: formatOf(head), isNew };
    this.#stored.set(path, file);
    if (looksLikeLayer(head, file.format)) this.#request.onLayer(file);
  }

  #resolve(path: string, hops: number): StoredFile | undefined {
    const target = this.#links.get(path);
    return target === undefined || hops === 0 ? this.#stored.get(path) : this.#resolve(target, hops - 1);
  }
}

const HEAD_BYTES = 512;
const ZEROS = Buffer.alloc(256 * 1024);

/** A compressed file, or a tar by its magic. A wrong guess costs a little work and nothing else. */
function looksLikeLayer(head: Buffer, format: string | undefined): boolean {
  return format === 'gzip' || format === 'zstd' || head.subarray(257, 262).toString('latin1') === 'ustar';
}

function cleanPath(entry: TarEntry): string {
  const path = posix.normalize(bytesOf(entry.path).toString()).replace(/^\/+|\/+$/g, '');
  if (path === '..' || path.startsWith('../'))
    throw errors.badArchive(`${shown(entry.path)} is outside of the archive`);
  return path;
}
