/** The registry a cache stands in front of: the few things it is asked. */
import type { Readable } from 'node:stream';
import type { Digest } from '#base';

export interface UpstreamManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

export interface UpstreamBlob {
  /** Of the whole blob. */
  readonly sizeBytes: number;
  /** Where `body` begins: as asked for, or 0 where the registry knows no ranges. */
  readonly start: number;
  readonly body: Readable;
}

/**
 * Everything gives undefined for what the registry does not have (or does not show us), and throws where it could not
 * be asked: an error of the kind `unavailable` when it is down or wants fewer requests.
 */
export interface Upstream {
  /** For people: `https://registry-1.docker.io`. */
  readonly url: string;
  /** What a tag stands for now, by a request that counts for little: null where the registry does not say. */
  resolve(name: string, tag: string, signal: AbortSignal): Promise<Digest | null | undefined>;
  manifest(name: string, reference: string, signal: AbortSignal): Promise<UpstreamManifest | undefined>;
  blob(name: string, digest: Digest, start: number, signal: AbortSignal): Promise<UpstreamBlob | undefined>;
}
