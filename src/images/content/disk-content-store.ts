/**
 * The content store on disk, in one folder, with records that are the truth: a record implies a whole file.
 *
 * Opening it compares names with records and removes what a crash left over; sizes and digests are `checkContent`'s.
 */
import { createReadStream, openSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import {
  type Digest,
  digestOf,
  digestParts,
  errnoCode,
  formatTimeNs,
  nowNs,
  type RecordStores,
  writeFileAtomic,
} from '#base';
import { BlobIndex } from './blob-index.ts';
import { ContentFiles, removeFiles, writeError } from './content-files.ts';
import type {
  BlobInfo,
  ByteRange,
  Collected,
  ContentStore,
  ContentUsage,
  Ingest,
  IngestInfo,
  IngestOptions,
  Lease,
  LeaseOptions,
  PutOptions,
} from './content-store.ts';
import { errors } from './errors.ts';
import { IngestIndex } from './ingest-index.ts';
import { openIngest } from './ingest.ts';
import { Leases } from './leases.ts';

export interface DiskContentStoreOptions {
  /** Made if missing, 0700. */
  readonly folder: string;
  readonly records: RecordStores;
  /** Told before a blob is recorded whose data somebody else brings to the disk; without it each blob waits for its own. */
  readonly delay?: SyncDelay;
  /** Milliseconds since 1970, for the ends of leases. */
  readonly nowMs?: () => number;
}

export interface SyncDelay {
  note(): void;
}

/** What the store is made of, for `checkContent`. */
export interface ContentParts {
  readonly files: ContentFiles;
  readonly blobs: BlobIndex;
  readonly ingests: IngestIndex;
  readonly leases: Leases;
  readonly delay: SyncDelay | undefined;
}

const STREAM_BUFFER_BYTES = 256 * 1024;

export class DiskContentStore implements ContentStore {
  readonly parts: ContentParts;

  /** One process at a time. Throws Node's system errors. */
  constructor({ folder, records, delay, nowMs = Date.now }: DiskContentStoreOptions) {
    const files = new ContentFiles(folder);
    const blobs = new BlobIndex(records);
    const leases = new Leases(records, nowMs);
    this.parts = { files, blobs, leases, delay, ingests: new IngestIndex(records, files) };
    files.emptyTrash();
    reconcile(files, blobs);
  }

  stat(digest: Digest): BlobInfo | undefined {
    return this.parts.blobs.get(digest);
  }

  list(): BlobInfo[] {
    return this.parts.blobs.list();
  }

  path(digest: Digest): string {
    this.#require(digest);
    return this.parts.files.blob(digest);
  }

  open(digest: Digest, range?: ByteRange): Readable {
    const path = this.path(digest);
    // Opened now: a blob that is collected from here on is still read to its end.
    const fd = openBlob(digest, path);
    return createReadStream('', { fd, highWaterMark: STREAM_BUFFER_BYTES, ...range });
  }

  async read(digest: Digest, limitBytes: number): Promise<Buffer> {
    const { sizeBytes } = this.#require(digest);
    if (sizeBytes > limitBytes) throw errors.tooLarge(`blob ${digest}`, limitBytes);
    const path = this.path(digest);
    const bytes = Buffer.allocUnsafe(sizeBytes);
    const file = await open(path, 'r').catch((error: unknown) => {
      throw errnoCode(error) === 'ENOENT' ? errors.damaged(digest, path, 'the file is missing') : error;
    });
    try {
      for (let at = 0; at < sizeBytes; ) {
        const { bytesRead } = await file.read(bytes, at, sizeBytes - at, at);
        if (bytesRead === 0) throw errors.damaged(digest, path, `it ends after ${at} of ${sizeBytes} bytes`);
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
    if (digestOf(bytes, digestParts(digest).algorithm) !== digest) {
      throw errors.damaged(digest, path, 'its bytes have another digest');
    }
    return bytes;
  }

  put(bytes: Uint8Array, { lease, digest: expected, references = [] }: PutOptions): BlobInfo {
    const { files, blobs } = this.parts;
    const digest = digestOf(bytes, expected ? digestParts(expected).algorithm : 'sha256');
    if (expected !== undefined && digest !== expected) throw errors.wrongDigest('blob', expected, digest);
    lease.hold(digest);
    const there = blobs.extend(digest, references);
    if (there) return there;
    const path = files.blob(digest);
    const info = { digest, sizeBytes: bytes.length, createdAt: formatTimeNs(nowNs()), references };
    try {
      const isDelayed = this.#noteDelay();
      writeFileAtomic(path, bytes, { durable: !isDelayed });
      blobs.add(info, { isDurable: !isDelayed });
    } catch (error) {
      throw writeError(path, error);
    }
    return info;
  }

  #noteDelay(): boolean {
    this.parts.delay?.note();
    return this.parts.delay !== undefined;
  }

  async ingest(key: string, options: IngestOptions): Promise<Ingest> {
    options.lease.hold(ingestResource(key));
    this.parts.ingests.open(key, formatTimeNs(nowNs()));
    return openIngest(this.parts, key, options);
  }

  ingests(): IngestInfo[] {
    return this.parts.ingests.list();
  }

  async dropIngest(key: string): Promise<void> {
    this.parts.ingests.drop(key);
  }

  lease(name: string, options: LeaseOptions = {}): Lease {
    return this.parts.leases.take(name, options);
  }

  isHeld(resource: string): boolean {
    return this.parts.leases.holds(resource);
  }

  async collect(roots: Iterable<Digest>): Promise<Collected> {
    const { files, blobs, ingests, leases } = this.parts;
    // Until the files have lost their names all is one turn of the event loop: nobody takes hold of a blob that goes.
    const held = new Set(leases.resources());
    // Who refers to others goes before them: killed in between, no blob is left that lacks what it needs.
    const removed = referrersFirst(blobs.unreached([...roots, ...held]));
    const trash = removed.map(({ digest }) => files.takeAway(files.blob(digest))).filter((path) => path !== undefined);
    let freedBytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    try {
      blobs.remove(removed);
    } catch {
      // A full disk may have no room for the change either: it is tried again once there is some. Should the process
      // end before, the next one drops records whose files are gone.
    }
    for (const { key, sizeBytes } of ingests.list()) {
      if (ingests.isOpen(key) || held.has(ingestResource(key))) continue;
      ingests.drop(key);
      freedBytes += sizeBytes;
    }
    await removeFiles(trash);
    blobs.dropRecords(removed);
    leases.dropExpired();
    return { removed, freedBytes };
  }

  usage(roots: Iterable<Digest>): ContentUsage {
    const { blobs, ingests, leases } = this.parts;
    const reclaimable = blobs.unreached([...roots, ...leases.resources()]);
    return {
      count: blobs.size,
      bytes: blobs.bytes,
      reclaimableCount: reclaimable.length,
      reclaimableBytes: reclaimable.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      ingestCount: ingests.list().length,
      ingestBytes: ingests.bytes,
    };
  }

  #require(digest: Digest): BlobInfo {
    const info = this.parts.blobs.get(digest);
    if (!info) throw errors.noSuch(digest);
    return info;
  }
}

/** The same blobs, each before those it references. */
export function referrersFirst(infos: readonly BlobInfo[]): BlobInfo[] {
  const left = new Map(infos.map((info) => [info.digest, info]));
  const ordered: BlobInfo[] = [];
  const visit = (digest: Digest): void => {
    const info = left.get(digest);
    if (!info) return;
    left.delete(digest);
    for (const reference of info.references) visit(reference);
    ordered.push(info);
  };
  for (const { digest } of infos) visit(digest);
  return ordered.reverse();
}

/** A partial blob lives as long as the lease it was opened under. */
const ingestResource = (key: string): string => `ingest:${key}`;

function openBlob(digest: Digest, path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw errnoCode(error) === 'ENOENT' ? errors.damaged(digest, path, 'the file is missing') : error;
  }
}

/**
 * Files without a record are half a commit or half a removal and go. A record without a file is a removal whose record
 * a power cut brought back: it goes too, so that the blob is got again.
 */
function reconcile(files: ContentFiles, blobs: BlobIndex): void {
  const there = new Set<Digest>();
  for (const { path, digest } of files.blobs()) {
    if (digest && blobs.get(digest)) there.add(digest);
    else rmSync(path, { recursive: true, force: true });
  }
  blobs.remove(blobs.list().filter(({ digest }) => !there.has(digest)));
}
