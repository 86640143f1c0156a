/** Root file systems: content, import, layers, writable layers. */
export type {
  BlobInfo,
  ByteRange,
  Collected,
  ContentStore,
  ContentUsage,
  Ingest,
  IngestInfo,
  IngestOptions,
  Lease,
  PutOptions,
} from './content/content-store.ts';
export { DiskContentStore, type DiskContentStoreOptions } from './content/disk-content-store.ts';
export { type CheckOptions, type CheckProgress, checkContent, type ContentProblem } from './content/fsck.ts';
export { emptyImageConfig, type ImageConfig, type ImageRecord } from './image-record.ts';
export { dockerConfig, hostPlatform } from './config-json.ts';
export { withTag } from './find.ts';
export type { ImageEvent } from './image-parts.ts';
export type {
  AttestedStatement,
  CommitOptions,
  DiskUsage,
  Fault,
  ImageMember,
  Images,
  ImageUse,
  ImageUser,
  ImportOptions,
  LayerProgress,
  LoadOptions,
  PruneOptions,
  PullOptions,
  PushOptions,
  Removal,
  RemoveRequest,
  SaveOptions,
} from './images.ts';
export { type OpenImagesOptions, openImages } from './open.ts';
export { archiveBytes } from './layers/archive-stream.ts';
export type { LayerKey, LayerRecord } from './layers/layer-store.ts';
export type { AssembleOptions } from './assemble.ts';
export type { BuildLayers, BuiltLayer, FetchedBlob, LayerArchives } from './build-layers.ts';
export type { ExportedManifest, ExportPush, ImageExport, ManifestWish, StoreRequest } from './image-export.ts';
export { type Compression, formatOf, type FormattedLayer, type LayerFormat } from './recompress.ts';
export type { RestoredLayers, RestoreRequest, StoredLayer } from './restore-layers.ts';
export { layoutIndex } from './archive/write-layout.ts';
export type { Change } from './layers/changes.ts';
export { tarOfTree } from './layers/tar-of-tree.ts';
export { openStack } from './layers/tree.ts';
export type { CreateOptions, FolderLayer, OverlayLayer, Snapshots, WritableLayer } from './snapshots/snapshots.ts';
