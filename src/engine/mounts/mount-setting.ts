/** What is asked of one mount, by `-v` or by `--mount`, in our own words; and what a container has of it. */
import type { MountIdMaps } from './id-map.ts';

export type MountSetting = BindSetting | VolumeSetting | TmpfsSetting | ImageSetting;

interface Asked {
  /** Absolute, clean. */
  readonly destination: string;
  readonly readonly: boolean;
  /** The text of `-v`, for inspect; undefined for `--mount`. */
  readonly text?: string;
}

export interface BindSetting extends Asked {
  readonly type: 'bind';
  readonly source: string;
  /** Empty: the default. */
  readonly propagation: string;
  /** `-v` makes a missing source folder; `--mount` refuses it. */
  readonly createSource: boolean;
  readonly recursion: BindRecursion;
  readonly idMaps?: AskedIdMaps;
}

/** Of files of the source; what is mounted below it keeps its own. */
export interface AskedIdMaps extends MountIdMaps {
  /** As it was asked for. */
  readonly text: string;
}

/**
 * What is mounted below the source: comes along, and read-only too where the kernel can; stays out; comes along and stays
 * writable; or has to be read-only.
 */
export type BindRecursion = 'enabled' | 'disabled' | 'writable' | 'readonly';

export interface VolumeSetting extends Asked {
  readonly type: 'volume';
  /** Empty: an anonymous one. */
  readonly name: string;
  /** Do not give an empty volume what the image has there. */
  readonly noCopy: boolean;
  /** Empty: local. */
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>> | null;
  readonly labels: Readonly<Record<string, string>> | null;
  /** Only this folder or file of it; empty: all. */
  readonly subpath: string;
  readonly idMaps?: AskedIdMaps;
}

export interface TmpfsSetting extends Asked {
  readonly type: 'tmpfs';
  /** 0: as much as the kernel gives, half of the memory. */
  readonly sizeBytes: number;
  /** Permission bits; 0: 1777. */
  readonly permissions: number;
  /** Words of the file system, `name` or `name`, `value`. */
  readonly options: readonly (readonly string[])[];
}

export interface ImageSetting extends Asked {
  readonly type: 'image';
  /** As the user named it. */
  readonly image: string;
  /** Only this folder of it; empty: all. */
  readonly subpath: string;
}

/** As it stood in records before there were volumes. */
export type OldBindSetting = Omit<BindSetting, 'type' | 'recursion'>;

/** Of a container's record. */
export interface MountPoint {
  readonly setting: MountSetting;
  /** Of a volume its name, made up where nobody gave one; of an image its id; else empty. */
  readonly name: string;
  readonly readonly: boolean;
  /** compat: the words of `-v`, and `z` for a volume without any. */
  readonly mode: string;
  /** Of a bind; else empty. */
  readonly propagation: string;
  /** Gets what the image has there, while it is empty. */
  readonly copies: boolean;
  /** Another container's, by `--volumes-from`. */
  readonly borrowed?: true;
}

export type VolumeMountPoint = MountPoint & { readonly setting: VolumeSetting };
