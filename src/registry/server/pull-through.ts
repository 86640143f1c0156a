/**
 * A cache of another registry: what is asked for is fetched, kept, and given also when upstream is down.
 *
 * Tags are looked up upstream each time, for they move; what has a digest is never asked for twice.
 */
import { causeChain, type Digest, digestOf, digestParts, type Log, SkiffError } from '#base';
import type { RequestContext } from '#rpc';
import { childrenOf, digestsOf, parseManifest } from '#specs';
import { sendBlob } from './blob-answer.ts';
import { BlobDownload } from './blob-download.ts';
import { errors } from './errors.ts';
import { findManifest, keepManifest } from './manifest-store.ts';
import { parseManifestReference } from './paths.ts';
import type { ManifestRecord, Repositories } from './repositories.ts';
import type { RegistryContent } from './storage.ts';
import type { Upstream } from './upstream.ts';

export interface PullThroughOptions {
  readonly upstream: Upstream;
  readonly content: RegistryContent;
  readonly repositories: Repositories;
  readonly log: Log;
}

/** How long upstream may take to answer about a manifest. */
const ANSWER_MS = 30_000;

export class PullThrough {
  readonly #options: PullThroughOptions;
  readonly #manifests = new Map<string, Promise<ManifestRecord | undefined>>();
  readonly #downloads = new Map<Digest, BlobDownload>();

  constructor(options: PullThroughOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.upstream.url;
  }

  /** From upstream, or from here when upstream does not answer. Undefined where there is none. */
  async manifest(name: string, reference: string): Promise<ManifestRecord | undefined> {
    const { content, log } = this.#options;
    const target = parseManifestReference(reference);
    const found = findManifest(this.#options, name, reference);
    const here = found && content.stat(found.digest) ? found : undefined;
    if (here && 'digest' in target) return here;
    try {
      return await this.#fetch(name, target);
    } catch (error) {
      if (!here || !isUnavailable(error)) throw error;
      log.warn('upstream does not answer: the manifest at hand is given', {
        name,
        reference,
        error: causeChain(error),
      });
      return here;
    }
  }

  /** Answers with a blob that is not here yet, keeping it on the way. Throws `distribution.blobUnknown`. */
  async sendBlob(context: RequestContext, name: string, digest: Digest): Promise<void> {
    const { content, repositories } = this.#options;
    const blob = content.stat(digest);
    if (blob) {
      repositories.addBlob(name, digest);
      await sendBlob(context, digest, blob.sizeBytes, (span) => content.open(digest, span));
      return;
    }
    const download = this.#download(name, digest);
    using _ = download.use();
    const sizeBytes = await download.sizeBytes;
    if (sizeBytes === undefined) throw errors.blobUnknown(name, digest);
    await sendBlob(context, digest, sizeBytes, (span) => download.read(span));
  }

  /** Requests for the same manifest at the same time are one request. */
  async #fetch(
    name: string,
    target: { readonly digest: Digest } | { readonly tag: string },
  ): Promise<ManifestRecord | undefined> {
    const key = `${name} ${'digest' in target ? target.digest : target.tag}`;
    const running = this.#manifests.get(key);
    if (running) return running;
    // Not the signal of one request: others wait for the same.
    const signal = AbortSignal.timeout(ANSWER_MS);
    const work =
      'digest' in target ? this.#get(name, target.digest, [], signal) : this.#follow(name, target.tag, signal);
    this.#manifests.set(key, work);
    try {
      return await work;
    } finally {
      this.#manifests.delete(key);
    }
  }

  /** What a tag stands for now; the document is got only when it is new. */
  async #follow(name: string, tag: string, signal: AbortSignal): Promise<ManifestRecord | undefined> {
    const { upstream, repositories, content } = this.#options;
    const digest = await upstream.resolve(name, tag, signal);
    if (digest === undefined) return undefined;
    if (digest === null) return this.#get(name, tag, [tag], signal);
    const here = repositories.manifest(name, digest);
    if (!here || !content.stat(digest)) return this.#get(name, digest, [tag], signal);
    return repositories.tag(name, tag) === digest ? here : repositories.putManifest(here, [tag]);
  }

  async #get(
    name: string,
    reference: string,
    tags: readonly string[],
    signal: AbortSignal,
  ): Promise<ManifestRecord | undefined> {
    const { upstream, repositories } = this.#options;
    const found = await upstream.manifest(name, reference, signal);
    if (!found) return undefined;
    const target = parseManifestReference(reference);
    const expected = 'digest' in target ? target.digest : undefined;
    const digest = digestOf(found.bytes, expected ? digestParts(expected).algorithm : 'sha256');
    if (expected && digest !== expected) {
      throw errors.upstreamFailed(upstream.url, `it gave a manifest with the digest ${digest} for ${expected}`);
    }
    const manifest = parseManifest(found.bytes, found.mediaType);
    const references = digestsOf(childrenOf(manifest)).filter((each) => repositories.hasBlob(name, each));
    return keepManifest(this.#options, { name, digest, bytes: found.bytes, manifest, tags, references });
  }

  #download(name: string, digest: Digest): BlobDownload {
    const running = this.#downloads.get(digest);
    if (running) return running;
    const { content, upstream, repositories } = this.#options;
    const land = (): void => repositories.addBlob(name, digest);
    const download = new BlobDownload({ content, upstream, name, digest, land });
    this.#downloads.set(digest, download);
    void download.ended.then(() => this.#downloads.delete(digest));
    return download;
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof SkiffError && ['unavailable', 'deadline', 'cancelled'].includes(error.kind);
}
