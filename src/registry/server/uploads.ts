/**
 * Uploads: blobs on their way in, each with an id the client comes back to, over restarts of the server too.
 *
 * One request at a time writes to an upload. A second one takes over from a first that is still under way: its client
 * has lost the connection and tries again, while we have not heard of it.
 */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type Digest, KeyedMutex, type RecordStore, type RecordStores, SkiffError } from '#base';
import { errors } from './errors.ts';
import type { Span } from './ranges.ts';
import type { RegistryContent, StorageIngest, StorageLease, StoredBlob } from './storage.ts';

type Algorithm = 'sha256' | 'sha512';

interface UploadRecord {
  readonly version: 1;
  readonly id: string;
  readonly repository: string;
  readonly algorithm: Algorithm;
  readonly startedAtMs: number;
}

interface Session {
  readonly record: UploadRecord;
  readonly lease: StorageLease;
  /** Kept open between requests, so that what is there need not be hashed again. */
  ingest: StorageIngest | undefined;
  /** Ends the request that is writing. */
  current: AbortController | undefined;
  usedAtMs: number;
}

/** What a request brings: bytes, and where it says they belong. */
export interface Chunk {
  /** Called when the bytes are wanted: the client may be waiting for that. */
  readonly body: () => Readable;
  readonly range?: Span | undefined;
}

/** Files kept open for uploads that pause; the longest unused are closed first. */
const MAX_OPEN = 64;
/** Nothing is lost with an upload that has no bytes yet, and anybody can begin many. */
const EMPTY_KEPT_MS = 3_600_000;

export class Uploads {
  readonly #records: RecordStore<UploadRecord>;
  readonly #content: RegistryContent;
  readonly #nowMs: () => number;
  readonly #byId = new Map<string, Session>();
  readonly #turns = new KeyedMutex();

  readonly #keptMs: number;

  /** An upload is kept for `keptMs` after its last request. */
  constructor(records: RecordStores, content: RegistryContent, nowMs: () => number, keptMs: number) {
    this.#keptMs = keptMs;
    this.#records = records.of<UploadRecord>('registry-upload');
    this.#content = content;
    this.#nowMs = nowMs;
    const updated = new Map(content.ingests().map(({ key, updatedAt }) => [key, Date.parse(updatedAt)]));
    for (const record of this.#records.list()) {
      this.#open(record, updated.get(keyOf(record.id)) ?? record.startedAtMs);
    }
  }

  /** Begins an upload and gives its id. */
  start(repository: string, algorithm: Algorithm): string {
    const record: UploadRecord = {
      version: 1,
      id: randomUUID(),
      repository,
      algorithm,
      startedAtMs: this.#nowMs(),
    };
    this.#records.put(record.id, record);
    this.#open(record, record.startedAtMs).lease.hold(keyOf(record.id));
    return record.id;
  }

  /** Whether chunks can still come. */
  isOpen(repository: string, id: string): boolean {
    return this.#byId.get(id)?.record.repository === repository;
  }

  /** Bytes held. Throws `distribution.uploadUnknown`. */
  sizeOf(repository: string, id: string): number {
    const { ingest } = this.#require(repository, id);
    return ingest?.sizeBytes ?? this.#content.ingests().find(({ key }) => key === keyOf(id))?.sizeBytes ?? 0;
  }

  /**
   * Appends a chunk; gives the bytes held then. What came before a connection broke stays. Throws
   * `distribution.uploadUnknown`, `distribution.rangeInvalid`.
   */
  async append(repository: string, id: string, chunk: Chunk): Promise<number> {
    return this.#inTurn(repository, id, async (session, signal) => {
      const ingest = await this.#ingestOf(session);
      await this.#write(session, ingest, chunk, signal);
      return ingest.sizeBytes;
    });
  }

  /**
   * Appends the last chunk and makes a blob of all. `land` records where it belongs, before anything could collect it.
   * Throws as `append`, and `content.wrongDigest`: the upload is over then.
   */
  async finish(
    repository: string,
    id: string,
    digest: Digest,
    chunk: Chunk,
    land: (blob: StoredBlob) => void,
  ): Promise<void> {
    await this.#inTurn(repository, id, async (session, signal) => {
      const ingest = await this.#ingestOf(session);
      await this.#write(session, ingest, chunk, signal);
      session.ingest = undefined;
      try {
        land(await ingest.commit({ digest }));
      } finally {
        // Bytes that did not become the blob never will.
        await ingest[Symbol.asyncDispose]();
        this.#forget(session);
      }
    });
  }

  /** Ends an upload and drops its bytes. Throws `distribution.uploadUnknown`. */
  async cancel(repository: string, id: string): Promise<void> {
    await this.#inTurn(repository, id, async (session) => {
      await session.ingest?.abort();
      session.ingest = undefined;
      await this.#content.dropIngest(keyOf(id));
      this.#forget(session);
    });
  }

  /** Ends uploads nobody has gone on with for too long; those that never began, sooner. */
  async purge(): Promise<void> {
    const now = this.#nowMs();
    const begun = new Set(this.#content.ingests().map(({ key }) => key));
    for (const { record, usedAtMs, current } of [...this.#byId.values()]) {
      const keptMs = begun.has(keyOf(record.id)) ? this.#keptMs : Math.min(EMPTY_KEPT_MS, this.#keptMs);
      if (current === undefined && usedAtMs < now - keptMs) await this.cancel(record.repository, record.id);
    }
  }

  /** Closes files; the uploads go on after the next start. */
  async close(): Promise<void> {
    for (const session of this.#byId.values()) {
      session.current?.abort(new Error('the registry is stopping'));
      await this.#turns.run(session.record.id, () => closeIngest(session));
      session.lease.keepFor(this.#keptMs);
    }
  }

  #open(record: UploadRecord, usedAtMs: number): Session {
    const lease = this.#content.lease(keyOf(record.id));
    const session: Session = { record, lease, ingest: undefined, current: undefined, usedAtMs };
    this.#byId.set(record.id, session);
    return session;
  }

  #require(repository: string, id: string): Session {
    const session = this.#byId.get(id);
    if (!session || !this.isOpen(repository, id)) throw errors.uploadUnknown(id);
    return session;
  }

  async #inTurn<T>(
    repository: string,
    id: string,
    work: (session: Session, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    this.#require(repository, id).current?.abort(new Error('a later request has taken the upload over'));
    return this.#turns.run(id, async () => {
      const session = this.#require(repository, id);
      const mine = new AbortController();
      session.current = mine;
      try {
        return await work(session, mine.signal);
      } finally {
        session.current = undefined;
        session.usedAtMs = this.#nowMs();
      }
    });
  }

  /** An ingest whose disk has failed is of no use any more; its file may be, later. */
  async #write(session: Session, ingest: StorageIngest, chunk: Chunk, signal: AbortSignal): Promise<void> {
    try {
      await write(ingest, chunk, signal);
    } catch (error) {
      if (error instanceof SkiffError && error.code.startsWith('content.')) await closeIngest(session);
      throw error;
    }
  }

  async #ingestOf(session: Session): Promise<StorageIngest> {
    if (session.ingest) return session.ingest;
    await this.#makeRoom();
    const { id, algorithm } = session.record;
    session.ingest = await this.#content.ingest(keyOf(id), { lease: session.lease, algorithm });
    return session.ingest;
  }

  async #makeRoom(): Promise<void> {
    const idle = [...this.#byId.values()].filter(({ ingest, current }) => ingest && !current);
    if (idle.length < MAX_OPEN) return;
    const longest = idle.reduce((one, other) => (one.usedAtMs <= other.usedAtMs ? one : other));
    await this.#turns.run(longest.record.id, () => closeIngest(longest));
  }

  #forget(session: Session): void {
    this.#byId.delete(session.record.id);
    this.#records.delete(session.record.id);
    session.lease.release();
  }
}

async function closeIngest(session: Session): Promise<void> {
  const { ingest } = session;
  session.ingest = undefined;
  await ingest?.[Symbol.asyncDispose]();
}

async function write(ingest: StorageIngest, { body: accept, range }: Chunk, signal: AbortSignal): Promise<void> {
  if (range && range.start !== ingest.sizeBytes) {
    throw errors.rangeInvalid(`${range.start}-${range.end}`, ingest.sizeBytes);
  }
  const before = ingest.sizeBytes;
  const body = accept();
  const stop = (): void => void body.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    // A failure of ours leaves the connection: the client is to hear of it.
    const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) await ingest.write(chunk);
  } finally {
    signal.removeEventListener('abort', stop);
    await ingest.flush();
  }
  const came = ingest.sizeBytes - before;
  if (range && came !== range.end - range.start + 1) {
    throw errors.uploadInvalid(
      `the chunk has ${came} bytes, its Content-Range ${range.start}-${range.end} says others`,
    );
  }
}

const keyOf = (id: string): string => `upload:${id}`;
