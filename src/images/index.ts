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
export type { Images, ImageUser, ImportOptions } from './images.ts';
export { type OpenImagesOptions, openImages } from './open.ts';
export type { FolderLayer, OverlayLayer, Snapshots, WritableLayer } from './snapshots/snapshots.ts';
