/**
 * A push: what a root points to, blobs before manifests, manifests before the index, the root last and by its name.
 *
 * So a registry never has a name that leads to something missing, wherever a push ends.
 */
import { type Digest, messageOf } from '#base';
import {
  type Descriptor,
  isForeignLayerType,
  isIndexType,
  isManifestType,
  type Manifest,
  MAX_MANIFEST_BYTES,
  parseManifest,
} from '#specs';
import { errors } from '../errors.ts';
import type { Reference } from '../reference.ts';
import type { BlobSource } from './blob-source.ts';
import type { RegistryConfig } from './config.ts';
import { hasBlob, hasManifest, putManifest, targetOf } from './manifests.ts';
import { addReferrer } from './referrers-tag.ts';
import type { PushedImage, PushOptions, PushProgress } from './registry-client.ts';
import type { Repository } from './repository.ts';
import { retrying } from './retry.ts';
import type { Slots } from './slots.ts';
import { mountBlob, uploadBlob } from './uploads.ts';

const PROGRESS_MS = 100;
const MAX_DEPTH = 4;
/** compat: dockerd tries no more repositories for a layer; each try is a request. */
const MAX_MOUNT_TRIES = 4;

export interface PushParts {
  readonly config: RegistryConfig;
  readonly slots: Slots;
  /** The repository for an operation that this signal ends. */
  readonly repository: (signal: AbortSignal) => Repository;
}

/** Throws why it failed; everything it began has ended by then. */
export async function pushImage(
  parts: PushParts,
  reference: Reference,
  root: Descriptor,
  source: BlobSource,
  options: PushOptions,
): Promise<PushedImage> {
  const { target, digest } = targetOf(reference);
  if (digest && digest !== root.digest) throw errors.wrongDigest(reference.name, root.digest, digest);
  const failure = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal;
  const push = new Push(parts, source, options, parts.repository(signal));
  try {
    await push.document(root, target, (error) => failure.abort(error), 0);
    return { descriptor: root };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  }
}

class Push {
  readonly #parts: PushParts;
  readonly #source: BlobSource;
  readonly #options: PushOptions;
  readonly #repository: Repository;
  readonly #done = new Map<Digest, Promise<void>>();

  constructor(parts: PushParts, source: BlobSource, options: PushOptions, repository: Repository) {
    this.#parts = parts;
    this.#source = source;
    this.#options = options;
    this.#repository = repository;
  }

  /** A manifest or index with all below it, stored as `target`. */
  async document(descriptor: Descriptor, target: string, stop: (error: unknown) => void, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) throw errors.nestedIndex(this.#repository.name.name);
    const bytes = await this.#source.read(descriptor.digest, MAX_MANIFEST_BYTES);
    const manifest = parseManifest(bytes, descriptor.mediaType);
    if (manifest.kind === 'manifest') await this.#blobs(manifest.layers, manifest.config, stop);
    else for (const child of manifest.manifests) await this.#child(child, stop, depth);
    const { knowsSubject } = await this.#retrying(() =>
      putManifest(this.#repository, { target, descriptor, bytes }, this.#parts.config.commitMs),
    );
    if (manifest.subject && !knowsSubject) {
      await this.#retrying(() =>
        addReferrer(
          this.#repository,
          manifest.subject!.digest,
          referrerOf(descriptor, manifest),
          this.#parts.config.commitMs,
        ),
      );
    }
  }

  /** An entry that is not here may be at the registry already, as other platforms of an image that was pulled are. */
  async #child(child: Descriptor, stop: (error: unknown) => void, depth: number): Promise<void> {
    const isDocument = isIndexType(child.mediaType) || isManifestType(child.mediaType);
    if (this.#source.stat(child.digest)) {
      if (isDocument) await this.document(child, child.digest, stop, depth + 1);
      else await this.#blobs([child], undefined, stop);
      return;
    }
    const isThere = await this.#retrying(() => (isDocument ? hasManifest : hasBlob)(this.#repository, child));
    if (!isThere) throw errors.noContent(child.digest);
  }

  /** Side by side; the first failure ends the others, and is thrown when they have ended. */
  async #blobs(
    layers: readonly Descriptor[],
    config: Descriptor | undefined,
    stop: (error: unknown) => void,
  ): Promise<void> {
    const told = this.#options.onProgress ?? (() => {});
    const silent = (): void => {};
    const distinct = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    // compat: the topmost layer first.
    for (const { digest } of distinct.toReversed()) if (!this.#done.has(digest)) told({ kind: 'preparing', digest });
    const wanted = [
      ...distinct.map((blob) => ({ blob, tell: told })),
      ...(config ? [{ blob: config, tell: silent }] : []),
    ];
    let first: { error: unknown } | undefined;
    await Promise.all(
      wanted.map(async ({ blob, tell }) => {
        try {
          // An index's manifests share layers: each goes once.
          await this.#done.getOrInsertComputed(blob.digest, () => this.#blob(blob, tell));
        } catch (error) {
          first ??= { error };
          stop(error);
        }
      }),
    );
    if (first) throw first.error;
  }

  async #blob(blob: Descriptor, tell: (progress: PushProgress) => void): Promise<void> {
    const { digest } = blob;
    const { config, slots } = this.#parts;
    const repository = this.#repository;
    if (isForeignLayerType(blob.mediaType)) return tell({ kind: 'skipped-foreign-layer', digest });
    if (slots.full) tell({ kind: 'waiting', digest });
    using _slot = await slots.take(repository.signal);
    if (await this.#retrying(() => hasBlob(repository, blob))) return tell({ kind: 'layer-already-exists', digest });
    const from = await this.#mount(digest);
    if (from !== undefined) return tell({ kind: 'mounted-from', digest, repository: from });
    const here = this.#source.stat(digest);
    if (!here) throw errors.noContent(digest);
    if (here.sizeBytes !== blob.size) throw errors.wrongSize(digest, here.sizeBytes, blob.size);
    let toldAt = -Infinity;
    await uploadBlob({
      repository,
      source: this.#source,
      config,
      blob,
      onBytes: (current) => {
        const now = performance.now();
        if (now - toldAt < PROGRESS_MS && current < blob.size) return;
        toldAt = now;
        tell({ kind: 'pushing', digest, current, total: blob.size });
      },
      onRetry: (inMs, error) =>
        tell({ kind: 'retrying', digest, inSeconds: Math.ceil(inMs / 1000), reason: messageOf(error) }),
    });
    tell({ kind: 'pushed', digest });
  }

  /** The repository it was mounted from. */
  async #mount(digest: Digest): Promise<string | undefined> {
    const { path } = this.#repository.name;
    const candidates = (this.#options.mountCandidates?.(digest) ?? []).filter((each) => each !== path);
    for (const candidate of candidates.slice(0, MAX_MOUNT_TRIES)) {
      const scopes = [`repository:${path}:pull,push`, `repository:${candidate}:pull`];
      if (await this.#retrying(() => mountBlob(this.#repository, digest, candidate, scopes))) return candidate;
    }
    return undefined;
  }

  #retrying<T>(attempt: () => Promise<T>): Promise<T> {
    return retrying(attempt, this.#parts.config, { signal: this.#repository.signal });
  }
}

/** spec: what a list of referrers says of one. */
function referrerOf(descriptor: Descriptor, manifest: Manifest): Descriptor {
  const { mediaType, digest, size } = descriptor;
  const own = manifest.artifactType ?? (manifest.kind === 'manifest' ? manifest.config.mediaType : undefined);
  return {
    mediaType,
    digest,
    size,
    ...(own === undefined ? {} : { artifactType: own }),
    ...(manifest.annotations ? { annotations: manifest.annotations } : {}),
  };
}
