/** The upstream of a cache, asked by the client's means: its connections, tokens and certificates. */
import { Readable } from 'node:stream';
import { because, causeChain, type Digest, messageOf, parseDigest, SkiffError } from '#base';
import { acceptedManifests, MAX_MANIFEST_BYTES } from '#specs';
import { defaultRegistryConfig, type RegistryConfig } from './client/config.ts';
import { Connections, discard, type HttpAnswer, readPieces, readSmall } from './client/connections.ts';
import { parseContentRange } from './client/headers.ts';
import { type ApiRequest, RegistryHost } from './client/registry-host.ts';
import { Tokens } from './client/tokens.ts';
import { RegistryRefusal } from './errors.ts';
import { errors } from './server/errors.ts';
import type { Upstream, UpstreamBlob } from './server/upstream.ts';

export interface UpstreamOptions {
  /** `https://registry-1.docker.io`; http is used where it says so. */
  readonly url: string;
  /** Empty: nobody in particular. */
  readonly username: string;
  readonly password: string;
  readonly config?: Partial<RegistryConfig>;
}

const ACCEPT = { Accept: acceptedManifests.join(', ') };
/** What a registry that does not have something says, or one that does not say whether it has. */
const ABSENT: ReadonlySet<number> = new Set([401, 403, 404]);

/** Disposing it closes its connections. Throws `distribution.upstreamFailed`, `distribution.tooManyRequests`. */
export function openUpstream({ url, username, password, config }: UpstreamOptions): Upstream & Disposable {
  const connections = new Connections({ ...defaultRegistryConfig, userAgent: 'skiff-registry', ...config });
  const endpoint = { host: new URL(url).host, bases: [url], insecure: false, isMirror: false, namespace: '' };
  const host = new RegistryHost(endpoint, connections, new Tokens(connections));
  const auth = username === '' ? undefined : { username, password };

  const send = async (name: string, request: ApiRequest, signal: AbortSignal): Promise<HttpAnswer | undefined> => {
    try {
      return await host.send(request, { auth, scopes: [`repository:${name}:pull`], signal });
    } catch (error) {
      if (error instanceof RegistryRefusal && ABSENT.has(error.status)) return undefined;
      throw failure(url, error, signal);
    }
  };
  return {
    url,
    resolve: async (name, tag, signal) => {
      try {
        const path = `/v2/${name}/manifests/${tag}`;
        const answer = await send(name, { method: 'HEAD', path, headers: ACCEPT }, signal);
        if (!answer) return undefined;
        discard(answer);
        return parseDigest(String(answer.headers['docker-content-digest'] ?? '')) ?? null;
      } catch (error) {
        // Some do not know the method.
        if (error instanceof SkiffError && error.cause instanceof RegistryRefusal && error.cause.status === 405)
          return null;
        throw error;
      }
    },
    manifest: async (name, reference, signal) => {
      const path = `/v2/${name}/manifests/${reference}`;
      const answer = await send(name, { method: 'GET', path, headers: ACCEPT }, signal);
      if (!answer) return undefined;
      try {
        const bytes = await readSmall(answer, MAX_MANIFEST_BYTES, connections.stallMs, signal);
        const mediaType = String(answer.headers['content-type'] ?? '')
          .split(';')[0]!
          .trim();
        return { bytes, mediaType };
      } catch (error) {
        throw failure(url, error, signal);
      }
    },
    blob: async (name, digest, start, signal) => {
      const path = `/v2/${name}/blobs/${digest}`;
      const headers: Record<string, string> = start > 0 ? { Range: `bytes=${start}-` } : {};
      let answer: HttpAnswer | undefined;
      try {
        answer = await send(name, { method: 'GET', path, headers }, signal);
      } catch (error) {
        // Nothing is behind what we have, whatever that is: from the beginning.
        const refusal = error instanceof SkiffError ? error.cause : undefined;
        if (start === 0 || !(refusal instanceof RegistryRefusal) || refusal.status !== 416) throw error;
        answer = await send(name, { method: 'GET', path }, signal);
      }
      return answer && blobOf(url, answer, digest, connections.stallMs, signal);
    },
    [Symbol.dispose]: () => connections[Symbol.dispose](),
  };
}

function blobOf(url: string, answer: HttpAnswer, digest: Digest, stallMs: number, signal: AbortSignal): UpstreamBlob {
  const range = answer.status === 206 ? parseContentRange(answer.headers['content-range']) : undefined;
  const length = Number(answer.headers['content-length'] ?? NaN);
  const sizeBytes = answer.status === 206 ? range?.total : length;
  if (sizeBytes === undefined || !Number.isSafeInteger(sizeBytes)) {
    answer.body.destroy();
    throw errors.upstreamFailed(url, `it does not say how long ${digest} is`);
  }
  return {
    sizeBytes,
    start: range?.start ?? 0,
    body: Readable.from(pieces(url, answer, stallMs, signal), { objectMode: false, highWaterMark: 256 * 1024 }),
  };
}

async function* pieces(url: string, answer: HttpAnswer, stallMs: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* readPieces(answer, stallMs, signal);
  } catch (error) {
    throw failure(url, error, signal);
  }
}

/** In the server's words, the client's failure as its cause. */
function failure(url: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted && (signal.reason as { name?: string }).name !== 'TimeoutError') return signal.reason;
  if (error instanceof RegistryRefusal && error.status === 429) return because(errors.tooManyRequests(url), error);
  const why = error instanceof SkiffError ? messageOf(error) : causeChain(error);
  return because(errors.upstreamFailed(url, why), error);
}
