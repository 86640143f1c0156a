/**
 * Blobs to a registry: mounted from another repository, in one request, or after a break in pieces.
 *
 * One request is what every registry takes. Only when that breaks on a long blob is it sent in pieces, of which the
 * registry tells how much it has, so that the rest goes on from there.
 */
import type { Descriptor } from '#specs';
import { type Digest, parseDigest } from '#base';
import { errors, RegistryRefusal } from '../errors.ts';
import type { BlobSource } from './blob-source.ts';
import type { RegistryConfig } from './config.ts';
import { discard, type HttpAnswer } from './connections.ts';
import { counted } from './counted.ts';
import { requestName } from './failures.ts';
import { parseUploadRange } from './headers.ts';
import type { Repository } from './repository.ts';
import { retrying } from './retry.ts';

const CANCEL_MS = 5000;

export interface BlobUpload {
  readonly repository: Repository;
  readonly source: BlobSource;
  readonly config: RegistryConfig;
  readonly blob: Descriptor;
  readonly onBytes: (current: number) => void;
  readonly onRetry: (inMs: number, error: unknown) => void;
}

/** A place at the registry that takes bytes. */
interface Session {
  readonly url: URL;
  /** Bytes the registry has. */
  readonly offset: number;
  readonly chunkBytes: number;
}

/** Asks for the blob from another repository of the registry. False when it has to be uploaded. */
export async function mountBlob(
  repository: Repository,
  digest: Digest,
  from: string,
  scopes: readonly string[],
): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from }).toString();
  let answer: HttpAnswer;
  try {
    answer = await repository.send({ method: 'POST', path: repository.path(`blobs/uploads/?${query}`) }, scopes);
  } catch (error) {
    // Whoever may not read there can still upload here.
    if (error instanceof RegistryRefusal && error.status < 500 && error.status !== 429) return false;
    throw error;
  }
  discard(answer);
  if (answer.status === 201) return true;
  // It has begun an upload instead, for which the bytes come separately.
  if (answer.headers.location !== undefined) await cancel(repository, repository.origin.resolveLocation(answer));
  return false;
}

/** The blob is at the registry when this returns. Throws when it is given up, having told the registry so. */
export async function uploadBlob({ config, ...upload }: BlobUpload): Promise<void> {
  const { repository, blob, onBytes, onRetry } = upload;
  let session: Session | undefined;
  let inPieces = false;
  let acknowledged = 0;
  let abandoned: URL | undefined;
  const attempt = async (): Promise<void> => {
    if (session && inPieces) session = await resume(repository, session);
    session ??= await begin(repository, config);
    if (abandoned) await cancel(repository, abandoned);
    abandoned = undefined;
    onBytes(session.offset);
    if (!inPieces) {
      // A break leaves this upload in a state nobody knows; the next try begins another one.
      inPieces = blob.size > session.chunkBytes;
      await finish(upload, session.url, 0, config.commitMs);
      return;
    }
    while (session.offset < blob.size) {
      session = await sendPiece(upload, session, config);
      acknowledged = Math.max(acknowledged, session.offset);
    }
    await finish(upload, session.url, blob.size, config.commitMs);
  };
  try {
    await retrying(attempt, config, {
      signal: repository.signal,
      progress: () => acknowledged,
      onRetry: (inMs, error) => {
        if (acknowledged === 0) {
          abandoned = session?.url;
          session = undefined;
        }
        onRetry(inMs, error);
      },
    });
  } catch (error) {
    if (session) await cancel(repository, session.url);
    throw error;
  }
}

async function begin(repository: Repository, config: RegistryConfig): Promise<Session> {
  const answer = await repository.send({ method: 'POST', path: repository.path('blobs/uploads/'), ...nothing });
  discard(answer);
  if (answer.status !== 202) throw unexpected('POST', answer);
  const least = Number(answer.headers['oci-chunk-min-length'] ?? 0);
  const chunkBytes = Math.max(config.uploadChunkBytes, Number.isSafeInteger(least) ? least : 0);
  return { url: repository.origin.resolveLocation(answer), offset: 0, chunkBytes };
}

/** Where an upload stands. Undefined when the registry no longer knows it. */
async function resume(repository: Repository, session: Session): Promise<Session | undefined> {
  try {
    const answer = await repository.send({ method: 'GET', path: session.url });
    discard(answer);
    const offset = parseUploadRange(answer.headers.range);
    if (answer.status !== 204 && answer.status !== 202 && answer.status !== 200) return undefined;
    if (offset === undefined) return undefined;
    return { ...session, offset, url: nextUrl(repository, answer, session.url) };
  } catch (error) {
    if (error instanceof RegistryRefusal && error.status < 500 && error.status !== 429) return undefined;
    throw error;
  }
}

async function sendPiece(
  { repository, source, blob, onBytes }: Omit<BlobUpload, 'config'>,
  session: Session,
  config: RegistryConfig,
): Promise<Session> {
  const start = session.offset;
  const end = Math.min(start + session.chunkBytes, blob.size) - 1;
  const answer = await repository.sendRaw({
    method: 'PATCH',
    path: session.url,
    headers: { 'Content-Range': `${start}-${end}` },
    body: {
      bytes: end - start + 1,
      contentType: 'application/octet-stream',
      open: () => counted(source.open(blob.digest, { start, end }), (bytes) => onBytes(start + bytes)),
    },
    answerMs: config.commitMs,
  });
  discard(answer);
  if (answer.status === 416) {
    // Out of order: the registry has more or less than we thought.
    const actual = await resume(repository, session);
    if (!actual || actual.offset === start) throw errors.uploadLost(requestName('PATCH', session.url));
    return actual;
  }
  if (answer.status === 404) throw errors.uploadLost(requestName('PATCH', session.url));
  if (answer.status !== 202) throw unexpected('PATCH', answer);
  const taken = parseUploadRange(answer.headers.range) ?? end + 1;
  if (taken <= start || taken > blob.size) throw unexpected('PATCH', answer);
  return { ...session, offset: taken, url: nextUrl(repository, answer, session.url) };
}

/** Ends the upload, with all bytes that are not there yet. */
async function finish(
  { repository, source, blob, onBytes }: Omit<BlobUpload, 'config'>,
  session: URL,
  from: number,
  answerMs: number,
): Promise<void> {
  const url = new URL(session);
  url.searchParams.set('digest', blob.digest);
  const body = {
    bytes: blob.size - from,
    contentType: 'application/octet-stream',
    open: () =>
      blob.size === from ? Buffer.alloc(0) : counted(source.open(blob.digest), (bytes) => onBytes(from + bytes)),
  };
  const answer = await repository.send({ method: 'PUT', path: url, body, answerMs });
  discard(answer);
  if (answer.status !== 201 && answer.status !== 204) throw unexpected('PUT', answer);
  const stored = parseDigest(String(answer.headers['docker-content-digest'] ?? ''));
  if (stored && stored !== blob.digest && stored.split(':')[0] === blob.digest.split(':')[0]) {
    throw errors.wrongDigest(requestName('PUT', url), stored, blob.digest);
  }
}

/** Best effort: registries drop what is not finished by themselves, but not at once. */
async function cancel(repository: Repository, url: URL): Promise<void> {
  try {
    discard(await repository.detached(CANCEL_MS).sendRaw({ method: 'DELETE', path: url }));
  } catch {
    // It is gone, or cannot be reached: nothing we could do about it.
  }
}

/** spec: each answer may name another place for the next request; its query is part of it. */
function nextUrl(repository: Repository, answer: HttpAnswer, before: URL): URL {
  return answer.headers.location === undefined ? before : repository.origin.resolveLocation(answer);
}

const unexpected = (method: string, answer: HttpAnswer): Error =>
  errors.unexpectedStatus(requestName(method, answer.url), answer.status, answer.statusText);

/** spec: an upload is begun with `Content-Length: 0`. */
const nothing = {
  body: { bytes: 0, open: () => Buffer.alloc(0), contentType: 'application/octet-stream' },
} as const;
