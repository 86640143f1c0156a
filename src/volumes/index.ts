/** Volumes: files that outlive containers. */
export { type LocalMount, mountOf, type VolumeMounter } from './local-mount.ts';
export type { VolumeRequest } from './volume-request.ts';
export { isAnonymous, type VolumeCopy, type VolumeRecord, Volumes, type VolumesOptions } from './volumes.ts';
