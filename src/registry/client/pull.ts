/**
 * A pull: what the reference stands for, the manifest of a platform, its config and layers, into a target.
 *
 * Parts come before what refers to them, so that a target that has a manifest has what it needs. Nothing is fetched
 * that is there.
 */
import { because, type SkiffError } from '#base';
import {
  type Descriptor,
  digestsOf,
  childrenOf,
  formatPlatform,
  type ImageManifest,
  isConfigType,
  type Manifest,
  MAX_MANIFEST_BYTES,
  parseManifest,
  type Platform,
  selectPlatform,
} from '#specs';
import { errors, RegistryRefusal } from '../errors.ts';
import type { Reference } from '../reference.ts';
import type { BlobTarget } from './blob-target.ts';
import { fetchSmallBlob } from './blobs.ts';
import type { LayerDownloads } from './layer-downloads.ts';
import { fetchManifest, type Located, locateManifest } from './manifests.ts';
import type { FetchedManifest, PulledImage, PullOptions } from './registry-client.ts';
import type { Repository } from './repository.ts';
import { type BackOff, retrying } from './retry.ts';

const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
const MAX_INDEX_DEPTH = 2;

export interface PullParts {
  readonly downloads: LayerDownloads;
  readonly backOff: BackOff;
  /** The repository for an operation that this signal ends. */
  readonly repository: (signal: AbortSignal) => Repository;
}

/** Throws in Docker's words why it failed. Everything it began has ended by then. */
export async function pullImage(
  parts: PullParts,
  reference: Reference,
  target: BlobTarget,
  options: PullOptions,
): Promise<PulledImage> {
  const failure = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal;
  const pull = new Pull(parts, reference, target, options, parts.repository(signal));
  try {
    return await pull.run((error) => failure.abort(error));
  } catch (error) {
    options.signal?.throwIfAborted();
    throw inDockersWords(error, reference);
  }
}

class Pull {
  readonly #parts: PullParts;
  readonly #reference: Reference;
  readonly #target: BlobTarget;
  readonly #options: PullOptions;
  readonly #repository: Repository;

  constructor(
    parts: PullParts,
    reference: Reference,
    target: BlobTarget,
    options: PullOptions,
    repository: Repository,
  ) {
    this.#parts = parts;
    this.#reference = reference;
    this.#target = target;
    this.#options = options;
    this.#repository = repository;
  }

  async run(stop: (error: unknown) => void): Promise<PulledImage> {
    const located = await this.#retrying(() => locateManifest(this.#repository, this.#reference));
    const root = await this.#document(located);
    const indexes: FetchedManifest[] = [];
    let at = root;
    while (at.manifest.kind === 'index') {
      indexes.push(at);
      if (indexes.length > MAX_INDEX_DEPTH) throw errors.nestedIndex(this.#reference.name);
      at = await this.#document({ descriptor: this.#choose(at.manifest.manifests, this.#options.platform) });
    }
    const document = at.manifest;
    if (!isConfigType(document.config.mediaType)) {
      throw errors.notAnImage(this.#reference.name, document.config.mediaType);
    }
    const image: PulledImage = { root: root.descriptor, manifest: at.descriptor, document };
    this.#options.onManifest?.(image);
    await this.#blobs(document, stop);
    for (const each of [at, ...indexes.reverse()]) this.#keep(each);
    return image;
  }

  #choose(entries: readonly Descriptor[], platform: Platform): Descriptor {
    const found = selectPlatform(entries, platform);
    if (!found) throw errors.noPlatform(formatPlatform(platform));
    return found;
  }

  /** From the target when it is there, which costs no request. */
  async #document({ descriptor, fetched }: Located): Promise<FetchedManifest> {
    if (fetched) return fetched;
    const { digest, mediaType } = descriptor;
    this.#options.lease.hold(digest);
    if (this.#target.stat(digest)) {
      const bytes = await this.#target.read(digest, MAX_MANIFEST_BYTES);
      return { descriptor, bytes, manifest: parseManifest(bytes, mediaType) };
    }
    const { bytes, manifest } = await this.#retrying(() => fetchManifest(this.#repository, { tag: undefined, digest }));
    if (bytes.length !== descriptor.size) throw errors.wrongSize(digest, bytes.length, descriptor.size);
    return { descriptor, bytes, manifest };
  }

  /** Config and layers side by side; the first failure ends the others, and is thrown when they have ended. */
  async #blobs({ config, layers }: ImageManifest, stop: (error: unknown) => void): Promise<void> {
    const tell = this.#options.onProgress ?? (() => {});
    const distinct = new Map(layers.map((layer) => [layer.digest, layer]));
    const isNew = (layer: Descriptor): boolean => this.#target.stat(layer.digest) === undefined;
    for (const layer of distinct.values()) if (isNew(layer)) tell({ kind: 'pulling-fs-layer', digest: layer.digest });
    const one = async (layer: Descriptor): Promise<void> => {
      const { lease } = this.#options;
      await this.#parts.downloads.fetch({ repository: this.#repository, target: this.#target, lease, layer, tell });
      for (const [index, each] of layers.entries()) {
        if (each.digest === layer.digest) this.#options.onLayer?.(each, index);
      }
    };
    let first: { error: unknown } | undefined;
    const guarded = async (work: Promise<void>): Promise<void> => {
      try {
        await work;
      } catch (error) {
        first ??= { error };
        stop(error);
      }
    };
    await Promise.all([guarded(this.#config(config)), ...[...distinct.values()].map((layer) => guarded(one(layer)))]);
    if (first) throw first.error;
  }

  async #config(config: Descriptor): Promise<void> {
    const { lease } = this.#options;
    lease.hold(config.digest);
    if (this.#target.stat(config.digest)) return;
    const bytes = await this.#retrying(() => fetchSmallBlob(this.#repository, config, MAX_CONFIG_BYTES));
    this.#target.put(bytes, { lease, digest: config.digest });
  }

  #keep({ descriptor, bytes, manifest }: FetchedManifest): void {
    const { lease } = this.#options;
    this.#target.put(bytes, { lease, digest: descriptor.digest, references: referencesOf(manifest) });
  }

  #retrying<T>(attempt: () => Promise<T>): Promise<T> {
    return retrying(attempt, this.#parts.backOff, { signal: this.#repository.signal });
  }
}

/** All entries of an index, whichever are there: another pull may bring another platform under the same index. */
const referencesOf = (manifest: Manifest) => digestsOf(childrenOf(manifest));

/** compat: moby's TranslatePullError. */
export function inDockersWords(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryRefusal)) return error;
  const { name, tag, digest } = reference;
  const full = digest === undefined ? `${name}:${tag ?? 'latest'}` : `${name}${tag ? `:${tag}` : ''}@${digest}`;
  const words: Readonly<Record<string, () => SkiffError>> = {
    DENIED: () => errors.pullDenied(name, error.message),
    MANIFEST_UNKNOWN: () => errors.manifestNotFound(full, error.message),
    NAME_UNKNOWN: () => errors.repositoryNotFound(name, error.message),
  };
  const translated = Object.hasOwn(words, error.registryCode) ? words[error.registryCode]!() : undefined;
  return translated ? because(translated, error) : error;
}
