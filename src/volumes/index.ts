/** Volumes: files that outlive containers. */
export type { VolumeRequest } from './volume-request.ts';
export { isAnonymous, type VolumeRecord, Volumes, type VolumesOptions } from './volumes.ts';
