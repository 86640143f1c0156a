/** What is kept of an image, and the parts of its config a container takes over. */
import type { Digest } from '#base';

export interface ImageRecord {
  readonly version: 1;
  /** Digest of the config file, as Docker's image id. */
  readonly id: Digest;
  /** `name:tag`, in the order they were given; empty for a dangling image. */
  readonly tags: readonly string[];
  readonly createdAt: string;
  readonly architecture: string;
  readonly os: string;
  readonly config: ImageConfig;
  /** DiffIDs, lowest layer first. */
  readonly layers: readonly Digest[];
  readonly sizeBytes: number;
  readonly comment: string;
}

/** The execution part of an image's config (OCI image-spec, config.md), in our own words. */
export interface ImageConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal: string;
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
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
};
