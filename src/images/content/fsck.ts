/**
 * Checks the content store against its records and, wanted deep, every byte against its digest. Works beside a store in
 * use: what a lease holds may be on its way and is no orphan.
 */
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { type Digest, digestParts, errnoCode, parseTimeNs } from '#base';
import { removeFiles } from './content-files.ts';
import type { BlobInfo } from './content-store.ts';
import type { ContentParts } from './disk-content-store.ts';
import { hashFile } from './ingest.ts';

export type ContentProblem =
  | { readonly kind: 'orphan-file'; readonly path: string; readonly repaired: boolean }
  | { readonly kind: 'stale-ingest'; readonly path: string; readonly repaired: boolean }
  | { readonly kind: 'missing-file'; readonly digest: Digest; readonly path: string; readonly repaired: boolean }
  | {
      readonly kind: 'wrong-size';
      readonly digest: Digest;
      readonly path: string;
      readonly expectedBytes: number;
      readonly actualBytes: number;
      readonly repaired: boolean;
    }
  | {
      readonly kind: 'wrong-digest';
      readonly digest: Digest;
      readonly path: string;
      readonly actual: Digest;
      readonly repaired: boolean;
    }
  /** A blob refers to one that is not there; nothing here can bring it back. */
  | {
      readonly kind: 'dangling-reference';
      readonly digest: Digest;
      readonly missing: Digest;
      readonly repaired: false;
    };

export interface CheckProgress {
  readonly blobs: number;
  readonly totalBlobs: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface CheckOptions {
  /** Removes what is wrong, so that it is got again: files, records, damaged blobs. */
  readonly repair?: boolean;
  /** Reads and hashes every blob. */
  readonly deep?: boolean;
  /** Only blobs that came at this time (RFC 3339) or later. */
  readonly since?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CheckProgress) => void;
}

/** All that is wrong. Throws the signal's reason, and Node's system errors where the disk cannot be read. */
export async function checkContent(
  { parts }: { readonly parts: ContentParts },
  options: CheckOptions = {},
): Promise<ContentProblem[]> {
  const repaired = options.repair === true;
  const problems: ContentProblem[] = [];
  for (const path of orphans(parts)) problems.push({ kind: 'orphan-file', path, repaired });
  for (const path of staleIngests(parts)) problems.push({ kind: 'stale-ingest', path, repaired });
  // In the same turn as the look, so that no commit puts a good file under such a name in between.
  if (repaired) await removeFiles(problems.flatMap((problem) => takenAway(parts, problem)));

  const since = parseTimeNs(options.since ?? '') ?? 0n;
  const all = parts.blobs.list().filter(({ createdAt }) => (parseTimeNs(createdAt) ?? 0n) >= since);
  const totals = { totalBlobs: all.length, totalBytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  let bytes = 0;
  for (const [index, info] of all.entries()) {
    options.signal?.throwIfAborted();
    const problem = await checkBlob(parts, info, options);
    // It may have been collected meanwhile.
    if (problem && parts.blobs.get(info.digest)) {
      problems.push(problem);
      if (repaired) await removeBlob(parts, info);
    }
    bytes += info.sizeBytes;
    options.onProgress?.({ blobs: index + 1, bytes, ...totals });
  }
  for (const { digest, references } of parts.blobs.list()) {
    for (const missing of references) {
      if (!parts.blobs.get(missing)) problems.push({ kind: 'dangling-reference', digest, missing, repaired: false });
    }
  }
  return problems;
}

function orphans({ files, blobs, leases }: ContentParts): string[] {
  return files
    .blobs()
    .filter(({ digest }) => !digest || !(blobs.get(digest) || leases.holds(digest)))
    .map(({ path }) => path);
}

function staleIngests({ files, ingests }: ContentParts): string[] {
  const wanted = new Set(ingests.list().map(({ key }) => files.ingest(key)));
  return files.ingests().filter((path) => !wanted.has(path));
}

function takenAway({ files }: ContentParts, problem: ContentProblem): string[] {
  const trash = 'path' in problem ? files.takeAway(problem.path) : undefined;
  return trash === undefined ? [] : [trash];
}

async function checkBlob(
  { files }: ContentParts,
  { digest, sizeBytes }: BlobInfo,
  { deep, repair, signal }: CheckOptions,
): Promise<ContentProblem | undefined> {
  const path = files.blob(digest);
  const repaired = repair === true;
  try {
    const { size } = await stat(path);
    if (size !== sizeBytes) {
      return { kind: 'wrong-size', digest, path, expectedBytes: sizeBytes, actualBytes: size, repaired };
    }
    if (deep !== true) return undefined;
    const actual = await digestOfFile(path, digestParts(digest).algorithm, signal);
    return actual === digest ? undefined : { kind: 'wrong-digest', digest, path, actual, repaired };
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw error;
    return { kind: 'missing-file', digest, path, repaired };
  }
}

async function digestOfFile(
  path: string,
  algorithm: 'sha256' | 'sha512',
  signal: AbortSignal | undefined,
): Promise<Digest> {
  const file = await open(path, 'r');
  try {
    const hash = createHash(algorithm);
    await hashFile(file, hash, signal);
    return `${algorithm}:${hash.digest('hex')}` as Digest;
  } finally {
    await file.close();
  }
}

async function removeBlob({ files, blobs }: ContentParts, info: BlobInfo): Promise<void> {
  blobs.remove([info]);
  const trash = files.takeAway(files.blob(info.digest));
  if (trash !== undefined) await removeFiles([trash]);
}
