/**
 * One blob on its way from an upstream registry into the store, and to everybody who asks for it meanwhile.
 *
 * Who reads it follows the partial file at a pace of its own: nothing is kept in memory for slow clients, and fast ones
 * do not wait for them. When the last one leaves early the download ends, and goes on from there the next time.
 */
import { setTimeout } from 'node:timers/promises';
import type { Digest } from '#base';
import { errors } from './errors.ts';
import type { Span } from './ranges.ts';
import type { RegistryContent, StorageIngest, StoredBlob } from './storage.ts';
import type { Upstream } from './upstream.ts';

export interface DownloadOptions {
  readonly content: RegistryContent;
  readonly upstream: Upstream;
  readonly name: string;
  readonly digest: Digest;
  /** Called when the blob is whole, while a lease holds it. */
  readonly land: (blob: StoredBlob) => void;
}

const READ_BYTES = 256 * 1024;
const MAX_ATTEMPTS = 4;
const BACKOFF_MS = 500;
const LINGER_MS = 1000;
/** How long the bytes of a download that nobody wants any more are kept. */
const KEPT_MS = 3_600_000;

export class BlobDownload {
  readonly #options: DownloadOptions;
  readonly #stop = new AbortController();
  readonly #size = Promise.withResolvers<number | undefined>();
  #changed = Promise.withResolvers<void>();
  #ingest: StorageIngest | undefined;
  #users = 0;
  #isWhole = false;
  #failure: unknown;
  /** Settles when the download has ended, however it did. */
  readonly ended: Promise<void>;

  constructor(options: DownloadOptions) {
    this.#options = options;
    // Whoever reads it gets the failure; without readers nobody needs it.
    this.#size.promise.catch(() => {});
    this.ended = this.#run();
  }

  /** Of the blob, undefined when upstream has none. Throws why it could not be asked. */
  get sizeBytes(): Promise<number | undefined> {
    return this.#size.promise;
  }

  /** Keeps the download going until the handle is disposed. */
  use(): Disposable {
    this.#users += 1;
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        this.#users -= 1;
        // One who has read to the end may be a moment ahead of the commit, and another may be about to come.
        if (this.#users === 0) globalThis.setTimeout(() => this.#stopIfUnused(), LINGER_MS).unref();
      },
    };
  }

  /** The bytes of a part, as they come. The end of the blob comes only when all of it has its digest. */
  async *read({ start, end }: Span): AsyncGenerator<Buffer> {
    let at = start;
    while (at <= end && !this.#isWhole) {
      const changed = this.#changed.promise;
      if (this.#failure !== undefined) throw this.#failure;
      const bytes = await this.#readFile(at, Math.min(READ_BYTES, end - at + 1));
      if (bytes.length > 0) yield bytes;
      else if (!this.#isWhole) await changed;
      at += bytes.length;
    }
    if (at > end) return;
    const { content, digest } = this.#options;
    yield* content.open(digest, { start: at, end }) as AsyncIterable<Buffer>;
  }

  #stopIfUnused(): void {
    if (this.#users === 0) this.#stop.abort(new Error('nobody waits for the blob any more'));
  }

  /** Nothing when the file is about to become a blob. */
  async #readFile(at: number, length: number): Promise<Buffer> {
    try {
      return (await this.#ingest?.read(at, length)) ?? Buffer.alloc(0);
    } catch (error) {
      if (this.#ingest) throw error;
      return Buffer.alloc(0);
    }
  }

  async #run(): Promise<void> {
    const { content, digest } = this.#options;
    const lease = content.lease(`cache:${digest}`);
    try {
      await using ingest = await content.ingest(`cache:${digest}`, { lease, digest, signal: this.#stop.signal });
      this.#ingest = ingest;
      if (!(await this.#fill(ingest))) return;
      this.#ingest = undefined;
      this.#options.land(await ingest.commit());
      this.#isWhole = true;
      lease.release();
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#ingest = undefined;
      if (!this.#isWhole) lease.keepFor(KEPT_MS);
      this.#failure ??= this.#isWhole ? undefined : new Error('the download has ended');
      this.#size.reject(this.#failure);
      this.#tell();
    }
  }

  /** Gets what is missing, in several tries. False when upstream has no such blob. */
  async #fill(ingest: StorageIngest): Promise<boolean> {
    const { upstream, name, digest } = this.#options;
    const { signal } = this.#stop;
    for (let attempt = 1; ; attempt++) {
      const before = ingest.sizeBytes;
      try {
        const blob = await upstream.blob(name, digest, before, signal);
        if (!blob) {
          this.#size.resolve(undefined);
          return false;
        }
        if (blob.start !== before) await ingest.restart();
        this.#size.resolve(blob.sizeBytes);
        for await (const chunk of blob.body as AsyncIterable<Buffer>) {
          await ingest.write(chunk);
          this.#tell();
        }
        if (ingest.sizeBytes === blob.sizeBytes) return true;
        throw errors.upstreamFailed(
          upstream.url,
          `it sent ${ingest.sizeBytes} of ${blob.sizeBytes} bytes of ${digest}`,
        );
      } catch (error) {
        // A try that brought something does not count: a long blob over a bad line gets through in the end.
        if (ingest.sizeBytes > before) attempt = 0;
        if (signal.aborted || attempt >= MAX_ATTEMPTS || ingest.sizeBytes === 0) throw error;
        await setTimeout(attempt * BACKOFF_MS, undefined, { signal });
      }
    }
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
