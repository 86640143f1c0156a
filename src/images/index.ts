/** Root file systems: import, layers, writable layers. */
export { emptyImageConfig, type ImageConfig, type ImageRecord } from './image-record.ts';
export type { Images, ImportOptions } from './images.ts';
export type { Snapshots, WritableLayer } from './snapshots.ts';
