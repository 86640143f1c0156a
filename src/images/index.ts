/** Root file systems: import, layers, writable layers. */
export { emptyImageConfig, type ImageConfig, type ImageRecord } from './image-record.ts';
export type { Images, ImageUser, ImportOptions } from './images.ts';
export { type OpenImagesOptions, openImages } from './open.ts';
export type { Change } from './layers/changes.ts';
export type { CreateOptions, FolderLayer, OverlayLayer, Snapshots, WritableLayer } from './snapshots/snapshots.ts';
