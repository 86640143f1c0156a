/** What is kept of an image. */
import type { Digest } from '#base';
import type { Descriptor, HistoryEntry, ImageExecution, Platform } from '#specs';
import type { LayerKey } from './layers/layer-store.ts';

/** The execution part of an image's config. */
export type ImageConfig = ImageExecution;

export interface ImageLayer {
  readonly diffId: Digest;
  /** Of the layer store: the DiffID, or the ChainID for layers that depend on those below. */
  readonly key: LayerKey;
  readonly sizeBytes: number;
}

/** What a name of an image stands for, where that is more than the image: an index, or a manifest with annotations. */
export interface NamedRoot {
  /** `name:tag`; '' for an image that was made without a name. */
  readonly tag: string;
  readonly root: Descriptor;
}

export interface ImageRecord {
  readonly version: 2;
  /** Digest of the config file, as Docker's image id. */
  readonly id: Digest;
  /** `name:tag`, in the order of their full names; empty for a dangling image. */
  readonly tags: readonly string[];
  /** `name@digest` of what a registry had, or took, under that name: a manifest, or the index it came from. */
  readonly repoDigests: readonly string[];
  /** Manifests with this config, the newest first: the same layers may be held in several compressions. */
  readonly manifests: readonly Descriptor[];
  /** Each whole: all it names is here (image-roots.ts). Names that stand for the image alone have none. */
  readonly roots?: readonly NamedRoot[];
  /** The image it was committed from or built on here. */
  readonly parent?: Digest;
  /** RFC 3339; empty when the config does not say. */
  readonly createdAt: string;
  readonly platform: Platform;
  readonly author: string;
  readonly comment: string;
  readonly dockerVersion: string;
  readonly config: ImageConfig;
  readonly history: readonly HistoryEntry[];
  /** Lowest first. */
  readonly layers: readonly ImageLayer[];
  readonly sizeBytes: number;
  /** When it last got a tag; empty when it never did. */
  readonly taggedAt: string;
}

export const emptyImageConfig: ImageConfig = {
  user: '',
  env: [],
  entrypoint: [],
  command: [],
  workingDirectory: '',
  labels: {},
  stopSignal: '',
  exposedPorts: [],
  volumes: [],
  onBuild: [],
  shell: [],
};

/** What the collector has to keep for an image: its manifests, the indexes it was found through, and what its names stand for. */
export function contentRoots(image: ImageRecord): Digest[] {
  const digests = image.repoDigests.map((name) => name.slice(name.indexOf('@') + 1) as Digest);
  const roots = (image.roots ?? []).map(({ root }) => root.digest);
  return [...image.manifests.map(({ digest }) => digest), ...digests, ...roots];
}
