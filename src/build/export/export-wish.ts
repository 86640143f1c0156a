/** What is to become of what was built: values that doors make of their clients' words, and `export.ts` carries out. */
import type { Compression, RestoreRequest, StoredLayer } from '#images';
import type { AuthConfig } from '#registry';
import type { Descriptor } from '#specs';
import type { Annotation } from './annotations.ts';
import type { ExportedFolder, FilesForm } from './exported-folder.ts';

/** How an image is written down. */
export interface ImageForm {
  /** Names it has there, as the client wrote them. */
  readonly names: readonly string[];
  /** OCI's media types; undefined: what the export has by default. */
  readonly isOci: boolean | undefined;
  /** compat: attestations as an OCI artifact; undefined: with OCI's media types. */
  readonly isOciArtifact: boolean | undefined;
  readonly compression: Compression;
  readonly annotations: readonly Annotation[];
  /** Also attestations that are only wanted where they are part of an image in a registry or store. */
  readonly hasInlineAttestations: boolean;
  /** Instead of the build's own. */
  readonly epochNs: bigint | undefined;
}

/** What clients have that do not say. */
export const plainForm = (names: readonly string[]): ImageForm => ({
  names,
  isOci: undefined,
  isOciArtifact: undefined,
  compression: { format: 'gzip', level: undefined, isForced: false },
  annotations: [],
  hasInlineAttestations: false,
  epochNs: undefined,
});

/** Answers of an export for its client: `containerimage.digest` and the like. */
export type ExportFacts = Readonly<Record<string, string>>;

export type SendBytes = (bytes: AsyncIterable<Buffer>, facts: ExportFacts) => Promise<void>;

export type ExportWish =
  /** The image store. */
  | {
      readonly kind: 'store';
      /** Those of the form are for what is attested. */
      readonly names: readonly string[];
      /** Of an index, or of a manifest with annotations; images without either are kept uncompressed. */
      readonly form: ImageForm;
    }
  | {
      readonly kind: 'push';
      readonly form: ImageForm;
      /** Without tags. */
      readonly isByDigest: boolean;
      readonly credentialsFor: (name: string) => AuthConfig | Promise<AuthConfig>;
    }
  | { readonly kind: 'archive'; readonly form: ImageForm; readonly isDocker: boolean; readonly send: SendBytes }
  /** Blobs one by one, into a store of the client's. */
  | {
      readonly kind: 'layout';
      readonly form: ImageForm;
      readonly isDocker: boolean;
      readonly write: (blob: Descriptor, bytes: () => AsyncIterable<Buffer>) => Promise<void>;
    }
  | { readonly kind: 'folder'; readonly files: FilesForm; readonly send: (folder: ExportedFolder) => Promise<void> }
  | { readonly kind: 'tar'; readonly files: FilesForm; readonly send: SendBytes };

/** Where a cache goes, once the build is done. */
export type CacheExportWish =
  | {
      readonly kind: 'registry';
      readonly form: CacheForm;
      readonly reference: string;
      readonly credentialsFor: (name: string) => AuthConfig | Promise<AuthConfig>;
    }
  | {
      readonly kind: 'layout';
      readonly form: CacheForm;
      readonly write: (blob: Descriptor, bytes: () => AsyncIterable<Buffer>) => Promise<void>;
    };

export interface CacheForm {
  /** The results of all steps, or only of those that are part of the image. */
  readonly isWhole: boolean;
  /** compat: as an image's manifest, or as an index of blobs. */
  readonly isManifest: boolean;
  readonly isOci: boolean;
  readonly compression: Compression;
  /** Also what the cache mounts of the build's steps hold (`RUN --mount=type=cache`). */
  readonly hasMounts: boolean;
  /** What fails is told, and the build succeeds. */
  readonly ignoresErrors: boolean;
}

/** A cache somebody kept elsewhere. */
export interface ImportedCache {
  /** The result of a step by its key. */
  find(key: string): ImportedResult | undefined;
  /** What a cache mount of that name held, as a tar; of a cache that is asked for its mounts. */
  mount(name: string): ImportedMount | undefined;
}

export interface ImportedMount {
  readonly blob: Descriptor;
  readonly fetch: RestoreRequest['fetch'];
}

export interface ImportedResult {
  readonly identity: string;
  /** Of the whole tree, lowest first. */
  readonly layers: readonly StoredLayer[];
  readonly fetch: RestoreRequest['fetch'];
}
