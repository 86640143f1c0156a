/**
 * The registry client as others see it. `openRegistryClient` (open.ts) makes one per daemon: limits, connections,
 * tokens and downloads under way are shared by all of its calls.
 *
 * Every call throws a `registry.*` error in Docker's words, or the signal's reason when it is aborted.
 */
import type { Digest } from '#base';
import type { Descriptor, ImageManifest, Manifest, Platform } from '#specs';
import type { Reference } from '../reference.ts';
import type { BlobSource } from './blob-source.ts';
import type { BlobLease, BlobTarget } from './blob-target.ts';
import type { AuthConfig, CallOptions, RegistryConfig } from './config.ts';

/** What has become of one blob of a pull. Sizes are in bytes. The config is pulled silently, as Docker does. */
export type PullProgress =
  | {
      readonly kind: 'pulling-fs-layer' | 'waiting' | 'verifying' | 'download-complete' | 'already-exists';
      readonly digest: Digest;
    }
  | { readonly kind: 'downloading'; readonly digest: Digest; readonly current: number; readonly total: number }
  | { readonly kind: 'retrying'; readonly digest: Digest; readonly inSeconds: number; readonly reason: string };

/** What has become of one blob of a push. */
export type PushProgress =
  | {
      readonly kind: 'preparing' | 'waiting' | 'layer-already-exists' | 'skipped-foreign-layer' | 'pushed';
      readonly digest: Digest;
    }
  | { readonly kind: 'pushing'; readonly digest: Digest; readonly current: number; readonly total: number }
  | { readonly kind: 'mounted-from'; readonly digest: Digest; readonly repository: string }
  | { readonly kind: 'retrying'; readonly digest: Digest; readonly inSeconds: number; readonly reason: string };

/** A document of a registry with its bytes, which have its digest. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly manifest: Manifest;
}

export interface RemoteImage extends FetchedManifest {
  /** All that an index has entries for; one for a manifest; none for what is no image. */
  readonly platforms: readonly Platform[];
}

export interface PullOptions extends CallOptions {
  /** Holds what is pulled, and what was there already. */
  readonly lease: BlobLease;
  /** Chosen from an index; an image without one is taken as it is. */
  readonly platform: Platform;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Called once the manifest is known, before the first layer is asked for. */
  readonly onManifest?: (image: PulledImage) => void;
  /** Called when a layer is in the target, in whatever order they come; unpacking may begin. */
  readonly onLayer?: (layer: Descriptor, index: number) => void;
}

export interface FetchLayerOptions extends CallOptions {
  readonly lease: BlobLease;
  readonly onProgress?: (progress: PullProgress) => void;
}

export interface PulledImage {
  /** What the reference stands for: an index, or the manifest itself. */
  readonly root: Descriptor;
  readonly manifest: Descriptor;
  readonly document: ImageManifest;
}

export interface PushOptions extends CallOptions {
  /** Paths of repositories at the same registry that may hold the blob, the likeliest first. */
  readonly mountCandidates?: (digest: Digest) => readonly string[];
  readonly onProgress?: (progress: PushProgress) => void;
}

export interface PushedImage {
  readonly descriptor: Descriptor;
}

export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly starCount: number;
  readonly isOfficial: boolean;
  readonly isAutomated: boolean;
}

export interface LoginResult {
  readonly status: string;
  /** Empty unless the registry gave one; to be kept instead of the password. */
  readonly identityToken: string;
}

export interface RegistryClient extends AsyncDisposable {
  /** What it goes by now. */
  readonly config: RegistryConfig;
  /** Goes by this from the next call on; transfers under way end as they began. Throws `registry.badSetting`. */
  reconfigure(config: RegistryConfig): void;
  /** What a tag or digest stands for now. `latest` when the reference has neither. */
  resolve(reference: Reference, options?: CallOptions): Promise<Descriptor>;
  /** The document of the reference (its digest first, else its tag), at most 4 MiB, verified. */
  fetchManifest(reference: Reference, options?: CallOptions): Promise<FetchedManifest>;
  /** The document, and the platforms it is for. */
  inspect(reference: Reference, options?: CallOptions): Promise<RemoteImage>;
  /** A small blob in memory, verified: a config. Throws `registry.tooLarge`. */
  fetchBlob(reference: Reference, descriptor: Descriptor, limitBytes: number, options?: CallOptions): Promise<Buffer>;
  /** One layer into a target, verified, held by the lease; what is there is not fetched again. */
  fetchLayer(reference: Reference, layer: Descriptor, target: BlobTarget, options: FetchLayerOptions): Promise<void>;
  /** Index, manifest, config and layers into a target; what is there is not fetched again. */
  pull(reference: Reference, target: BlobTarget, options: PullOptions): Promise<PulledImage>;
  /**
   * What `root` points to, blobs first, then manifests, the root last under the reference's tag (`latest` without one)
   * or digest.
   */
  push(reference: Reference, root: Descriptor, source: BlobSource, options?: PushOptions): Promise<PushedImage>;
  /** Tags, in the registry's order. */
  tags(reference: Reference, options?: CallOptions): Promise<string[]>;
  /** Repositories of a registry that tells them. */
  catalog(host: string, options?: CallOptions): Promise<string[]>;
  /** What refers to a manifest as its subject. */
  referrers(reference: Reference, digest: Digest, artifactType?: string, options?: CallOptions): Promise<Descriptor[]>;
  /** Removes a tag, or a manifest by digest with all its tags. */
  deleteManifest(reference: Reference, options?: CallOptions): Promise<void>;
  /** Whether these credentials are accepted. Throws why not. */
  login(auth: AuthConfig, options?: { readonly signal?: AbortSignal }): Promise<LoginResult>;
  /** Images by words, from Docker Hub or the registry in front of the term. `limit` 1 to 100. */
  search(term: string, limit: number, options?: CallOptions): Promise<SearchResult[]>;
}
