/**
 * Images by name and id: what the rest of the engine may ask of them, one verb each.
 *
 * The story. Whatever brings an image in (pull, load, import, commit) first has its blobs in the content store, under
 * a lease; then *adopts* the manifest: unpacks the layers that are not there yet, and only then writes the record, in
 * one durable step. What a record names is there. Whatever takes an image away changes the record first and lets the
 * collector remove the content nobody reaches any more.
 */
import type { Readable } from 'node:stream';
import type { Digest } from '#base';
import type { AuthConfig } from '#registry';
import type { Descriptor, HistoryEntry, Platform } from '#specs';
import type { ImageConfig, ImageRecord } from './image-record.ts';

export interface ImportOptions {
  /** `name:tag`; undefined leaves the image dangling. */
  readonly reference?: string;
  readonly message: string;
  /** Dockerfile instructions such as `CMD ["sh"]`, `ENV A=b` (compat: `docker import --change`). */
  readonly changes: readonly string[];
  /** What the image says it is for; the host's platform unless given. */
  readonly platform?: Platform;
  readonly signal?: AbortSignal;
}

export interface CommitOptions {
  /** The tar of what it has changed. */
  readonly layer: AsyncIterable<Buffer>;
  readonly parent: ImageRecord;
  readonly config: ImageConfig;
  readonly containerId: string;
  /** What history says it was made by. */
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  readonly changes: readonly string[];
  readonly reference?: string;
  readonly signal?: AbortSignal;
}

/** A container that uses an image. */
export interface ImageUser {
  readonly containerId: string;
  readonly isRunning: boolean;
}

export type ImageUse = (imageId: string) => ImageUser | undefined;

export interface Removal {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
}

/** What happens to a layer while an image comes in; `id` is the digest of its blob. */
export interface LayerProgress {
  readonly id: string;
  readonly status: string;
  readonly current?: number;
  readonly total?: number;
}

export interface LoadOptions {
  readonly signal?: AbortSignal;
  /** Only this platform's images of an archive that holds several. */
  readonly platform?: Platform;
  onProgress?(progress: LayerProgress): void;
  /** `Loaded image: name:tag`, as each is there. */
  onLoaded?(line: string): void;
}

export interface PullOptions {
  readonly platform?: Platform;
  readonly credentials?: AuthConfig;
  readonly allTags?: boolean;
  readonly signal?: AbortSignal;
  onProgress?(progress: LayerProgress): void;
  /** A line for people: the digest, and whether something new came. */
  onStatus?(line: string, id?: string): void;
}

export interface PushOptions {
  readonly credentials?: AuthConfig;
  readonly allTags?: boolean;
  /** Only the image for this one, of an index that has several. */
  readonly platform?: Platform;
  readonly signal?: AbortSignal;
  onProgress?(progress: LayerProgress): void;
  onStatus?(line: string, id?: string): void;
  /** Each tag that is there now. */
  onPushed?(pushed: { readonly tag: string; readonly digest: Digest; readonly sizeBytes: number }): void;
}

export interface SaveOptions {
  /** Only the image for this one, of an index that has several. */
  readonly platform?: Platform;
  readonly signal?: AbortSignal;
}

export interface RemoveRequest {
  readonly reference: string;
  readonly force: boolean;
  /** Leave nameless images alone that this one was made from. */
  readonly keepParents: boolean;
  /** A container that uses the image, a running one first. */
  readonly inUse: ImageUse;
}

export interface HistoryRow extends HistoryEntry {
  /** Of the image, on the topmost row; `<missing>` below. */
  readonly id: string;
  readonly sizeBytes: number;
  readonly tags: readonly string[];
}

export interface PruneOptions {
  /** Also images with tags that no container uses. */
  readonly all: boolean;
  readonly matches: (image: ImageRecord) => boolean;
}

/** A manifest among what the names of an image stand for. */
export interface ImageMember {
  readonly kind: 'image' | 'attestation' | 'unknown';
  readonly descriptor: Descriptor;
  /** Of it and all it refers to, as stored; undefined when something is missing. */
  readonly contentBytes?: number;
  readonly platform?: Platform;
  /** The image it is, if that is unpacked here. */
  readonly image?: ImageRecord;
  /** Of an attestation: the manifest it is about. */
  readonly about?: Digest;
}

/** spec: an in-toto statement about an image. */
export interface AttestedStatement {
  readonly descriptor: Descriptor;
  /** Empty when its manifest does not say. */
  readonly predicateType: string;
  /** Throws `content.tooLarge`. */
  read(): Promise<Buffer>;
}

export interface ImageUsage {
  readonly image: ImageRecord;
  /** Of layers other images have too. */
  readonly sharedBytes: number;
}

export interface DiskUsage {
  readonly images: readonly ImageUsage[];
  /** Of all unpacked layers, each once. */
  readonly layerBytes: number;
  /** Of all blobs, each once. */
  readonly contentBytes: number;
  /** Of partial downloads that are kept for going on. */
  readonly partialBytes: number;
}

/** Something that is not as it should be, found by `check`. */
export interface Fault {
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
  readonly isRepaired: boolean;
}

export interface CheckOptions {
  readonly repair: boolean;
  /** Also read every blob and compare its digest. */
  readonly deep: boolean;
  /** Images of containers are never forgotten. */
  readonly inUse?: ImageUse;
  readonly signal?: AbortSignal;
}

export interface Images {
  /**
   * By `name`, `name:tag`, `name@digest`, full id, or unique prefix of an id. `hello` is made from the package's own
   * program when first asked for. Throws `image.ambiguous`, and `reference.badReference` for what can be no name.
   */
  find(reference: string): Promise<ImageRecord | undefined>;
  get(id: string): ImageRecord | undefined;
  list(): ImageRecord[];
  /**
   * The image for a platform: the one a reference stands for, or another of its index, which is unpacked when it was not
   * yet. Throws `image.noSuch`, `image.otherPlatform`.
   */
  forPlatform(reference: string, platform: Platform): Promise<ImageRecord>;
  /** The same to look at: nothing is unpacked for it. */
  lookAt(reference: string, platform: Platform): Promise<ImageRecord>;
  /** What its names stand for, beside itself: images for other platforms, and what was attested. */
  members(image: ImageRecord): Promise<ImageMember[]>;
  /** Nameless images that are of an index some name of another stands for. */
  isOfIndex(): (image: ImageRecord) => boolean;
  /** What was attested of it, or of the one for a platform. Throws `image.noSuch`, `image.otherPlatform`. */
  attestations(reference: string, platform?: Platform): Promise<AttestedStatement[]>;
  /** One image from a tar of a root file system: plain, gzip or zstd. Nothing stays behind when it fails. */
  import(tar: Readable, options: ImportOptions): Promise<ImageRecord>;
  /** One more layer over an image. The container has to be still. */
  commit(options: CommitOptions): Promise<ImageRecord>;
  /** Images of an archive, Docker's or an OCI layout, compressed or not. */
  load(archive: Readable, options: LoadOptions): Promise<ImageRecord[]>;
  /** An archive that Docker, Podman and OCI tools read. Throws before the first byte when a name is not known. */
  save(references: readonly string[], options: SaveOptions): Promise<Readable>;
  pull(reference: string, options: PullOptions): Promise<ImageRecord[]>;
  push(reference: string, options: PushOptions): Promise<void>;
  /** Throws `image.noSuch`. */
  tag(source: string, target: string): Promise<ImageRecord>;
  history(reference: string, platform?: Platform): Promise<HistoryRow[]>;
  /**
   * Removes a name, or the image with all its names when the reference is an id; content no other image uses goes too.
   * An image that a container uses is kept and the removal refused, or with `force` (and no running one, or given a
   * name) only its names go. Throws `image.noSuch` and the refusals of images in use.
   */
  remove(request: RemoveRequest): Promise<Removal>;
  prune(options: PruneOptions, inUse: ImageUse): Promise<Removal & { readonly freedBytes: number }>;
  usage(): DiskUsage;
  /** Compares records, blobs and layers with the disk; with `repair` makes them agree. */
  check(options: CheckOptions): Promise<Fault[]>;
}
