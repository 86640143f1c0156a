/**
 * Blobs from a registry: small ones into memory, layers into an ingest, going on where an earlier try has ended.
 *
 * Bytes may come from a mirror, then from the registry: the digest says in the end whether they are right.
 */
import { digestOf, digestParts, SkiffError } from '#base';
import { type Descriptor, isForeignLayerType } from '#specs';
import { errors, RegistryRefusal } from '../errors.ts';
import type { BlobIngest } from './blob-target.ts';
import type { RegistryConfig } from './config.ts';
import { type Connections, type HttpAnswer, readPieces, readSmall } from './connections.ts';
import { requestName } from './failures.ts';
import { parseContentRange } from './headers.ts';
import { followRedirects } from './redirects.ts';
import type { Repository } from './repository.ts';
import { retrying } from './retry.ts';

/** A small blob, verified. Throws `registry.tooLarge`, `.wrongSize`, `.wrongDigest`. */
export async function fetchSmallBlob(
  repository: Repository,
  { digest, size }: Descriptor,
  limitBytes: number,
): Promise<Buffer> {
  if (size > limitBytes) throw errors.tooLarge(digest, limitBytes);
  const request = { method: 'GET', path: repository.path(`blobs/${digest}`) } as const;
  return repository.fromAny(
    () => request,
    async (answer) => {
      const declared = Number(answer.headers['content-length'] ?? size);
      if (declared !== size) {
        answer.body.destroy();
        throw errors.wrongSize(requestName('GET', answer.url), declared, size);
      }
      const bytes = await readSmall(answer, size, repository.stallMs, repository.signal);
      if (bytes.length < size) throw errors.truncated(requestName('GET', answer.url), bytes.length, size);
      const actual = digestOf(bytes, digestParts(digest).algorithm);
      if (actual !== digest) throw errors.wrongDigest(digest, actual, digest);
      return bytes;
    },
  );
}

export interface BlobDownload {
  readonly repository: Repository;
  readonly connections: Connections;
  readonly config: RegistryConfig;
  readonly layer: Descriptor;
  /** Told after each piece, and when it starts over. */
  readonly onBytes: (current: number) => void;
  readonly onRetry: (inMs: number, error: unknown) => void;
}

/** All bytes of a layer into the ingest; it is not committed. Throws when it is given up; the bytes so far stay. */
export async function download(ingest: BlobIngest, { config, ...what }: BlobDownload): Promise<void> {
  const { layer, repository, onRetry } = what;
  // Only what goes beyond all earlier tries is progress: a server that starts over each time makes none.
  let furthest = ingest.sizeBytes;
  const append = async (answer: HttpAnswer): Promise<void> => {
    await alignWithAnswer(ingest, answer, layer);
    const name = requestName('GET', answer.url);
    what.onBytes(ingest.sizeBytes);
    for await (const piece of readPieces(answer, repository.stallMs, repository.signal)) {
      const total = ingest.sizeBytes + piece.length;
      if (total > layer.size) throw errors.wrongSize(name, total, layer.size);
      await ingest.write(piece);
      furthest = Math.max(furthest, total);
      what.onBytes(total);
    }
    if (ingest.sizeBytes < layer.size) throw errors.truncated(name, ingest.sizeBytes, layer.size);
  };
  const attempt = async (): Promise<void> => {
    if (ingest.sizeBytes > layer.size) await ingest.restart();
    if (ingest.sizeBytes === layer.size) return;
    const isForeign = isForeignLayerType(layer.mediaType);
    if (isForeign && (await fromUrls(ingest, what, append))) return;
    await fromRegistry(ingest, repository, layer, append);
  };
  await retrying(attempt, config, { signal: repository.signal, onRetry, progress: () => furthest });
}

async function fromRegistry(
  ingest: BlobIngest,
  repository: Repository,
  { digest }: Descriptor,
  append: (answer: HttpAnswer) => Promise<void>,
): Promise<void> {
  const path = repository.path(`blobs/${digest}`);
  try {
    await repository.fromAny(() => ({ method: 'GET', path, headers: rangeFrom(ingest.sizeBytes) }), append);
  } catch (error) {
    if (!(error instanceof RegistryRefusal) || error.status !== 416 || ingest.sizeBytes === 0) throw error;
    // What is here goes beyond what the server has, or it cannot do ranges: from the beginning.
    await ingest.restart();
    await repository.fromAny(() => ({ method: 'GET', path, headers: rangeFrom(ingest.sizeBytes) }), append);
  }
}

/** spec: a foreign layer is at the URLs of its descriptor. They are anybody's: no credentials, and the web only. */
async function fromUrls(
  ingest: BlobIngest,
  { connections, layer, repository: { signal } }: Pick<BlobDownload, 'connections' | 'layer' | 'repository'>,
  append: (answer: HttpAnswer) => Promise<void>,
): Promise<boolean> {
  for (const text of layer.urls ?? []) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') continue;
    try {
      const headers = rangeFrom(ingest.sizeBytes);
      const answer = await followRedirects(connections, { method: 'GET', url, headers, signal });
      if (answer.status !== 200 && answer.status !== 206) {
        answer.body.destroy();
        continue;
      }
      await append(answer);
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      // The next URL, then the registry, may have it; only what our own side refuses ends it.
      if (!(error instanceof SkiffError) || !error.code.startsWith('registry.')) throw error;
    }
  }
  return false;
}

/** Whole answers begin anew; a part has to go on where the ingest ends, or all is asked for again. */
async function alignWithAnswer(ingest: BlobIngest, answer: HttpAnswer, { size }: Descriptor): Promise<void> {
  const name = requestName('GET', answer.url);
  if (answer.status === 200) {
    if (ingest.sizeBytes > 0) await ingest.restart();
    return;
  }
  const range = answer.status === 206 ? parseContentRange(answer.headers['content-range']) : undefined;
  const fits = range && range.start === ingest.sizeBytes && (range.total === undefined || range.total === size);
  if (fits) return;
  answer.body.destroy();
  const said = answer.headers['content-range'] ?? 'no Content-Range';
  if (ingest.sizeBytes > 0) await ingest.restart();
  throw errors.broken(name, `the answer ${answer.status} does not go on at the byte asked for (${said})`);
}

const rangeFrom = (offset: number): Record<string, string> => (offset > 0 ? { Range: `bytes=${offset}-` } : {});
