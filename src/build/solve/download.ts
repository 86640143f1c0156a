/** Files behind URLs: with what a server wants to see before it gives them, and only when they have changed. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type Digest, messageOf, SkiffError } from '#base';
import { errors } from '../errors.ts';
import type { RunGifts } from '../run/settings.ts';

export interface Download {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Nanoseconds since 1970, as the server says; 0 when it does not. */
  readonly mtimeNs: bigint;
  /** What the server calls this content; '' when it does not. */
  readonly etag: string;
}

/** What was downloaded of a URL before. */
export interface KnownDownload {
  readonly etag: string;
  readonly digest: Digest;
}

/** Where a file is, and what goes with each request for it. */
export interface Remote {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * With the credentials a build has for the host. compat: the secret `HTTP_AUTH_HEADER_HOST` is an Authorization header, and
 * `HTTP_AUTH_TOKEN_HOST` a bearer's token, which counts where both are there; without a port. They go to this host only:
 * fetch leaves them out where it is led elsewhere.
 */
export async function remoteOf(url: string, gifts: RunGifts, signal: AbortSignal): Promise<Remote> {
  const host = URL.parse(url)?.hostname ?? '';
  const [header, token] = await Promise.all(
    ['HTTP_AUTH_HEADER_', 'HTTP_AUTH_TOKEN_'].map((prefix) => gifts.secret(`${prefix}${host}`)),
  );
  const authorization = token ? `Bearer ${token.toString().trim()}` : header?.toString().trim();
  return { url, headers: authorization === undefined ? {} : { Authorization: authorization }, signal };
}

/**
 * Whether the server still has what was downloaded before, as far as that can be known without downloading it. A server that
 * answers HEAD otherwise than GET, or not at all, says nothing.
 */
export async function isUnchanged({ url, headers, signal }: Remote, { etag }: KnownDownload): Promise<boolean> {
  try {
    const answer = await fetch(url, { method: 'HEAD', headers: { ...headers, 'If-None-Match': etag }, signal });
    const told = answer.headers.get('etag');
    if (answer.status === 304) return told === null || isSame(told, etag);
    return answer.ok && told !== null && isSame(told, etag);
  } catch {
    // The download says what is wrong.
    return false;
  }
}

/** Writes it to the end of the file. Throws `build.notDownloaded`, `build.cancelled`. */
export async function download({ url, headers, signal }: Remote, file: FileHandle): Promise<Download> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    const answer = await fetch(url, { headers, signal, redirect: 'follow' });
    if (!answer.ok || !answer.body) throw errors.notDownloaded(url, `invalid response status ${answer.status}`);
    for await (const chunk of answer.body) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      await file.appendFile(chunk);
    }
    // compat: without a word of the server the beginning of time, so that the same file is the same layer.
    const modified = Date.parse(answer.headers.get('last-modified') ?? '');
    const mtimeNs = Number.isNaN(modified) ? 0n : BigInt(modified) * 1_000_000n;
    const digest = `sha256:${hash.digest('hex')}` as Digest;
    return { digest, sizeBytes, mtimeNs, etag: answer.headers.get('etag') ?? '' };
  } catch (error) {
    if (signal.aborted) throw errors.cancelled();
    throw error instanceof SkiffError ? error : errors.notDownloaded(url, messageOf(error));
  }
}

/** spec: RFC 9110, section 8.8.3.2: weakly the same is the same file for us. */
const isSame = (one: string, other: string): boolean => one.replace(/^W\//, '') === other.replace(/^W\//, '');
