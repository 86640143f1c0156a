/**
 * Writable layers: what a container sees of its image's layers and may change.
 *
 * Two ways to the same thing, which pass the same tests: an overlay of a folder of the container's own over the image's
 * layers, or, where the data folder's file system cannot carry an overlay, a copy of everything.
 */
import type { Change } from '../layers/changes.ts';
import type { LayerForm } from '../layers/unpack-archive.ts';

/** The root file system of a container, to be mounted in its own mount namespace. */
export type WritableLayer = OverlayLayer | FolderLayer;

export interface OverlayLayer {
  readonly kind: 'overlay';
  /** For the overlay file system: lowerdir, upperdir, workdir, in the form this kernel takes. */
  readonly overlayOptions: readonly string[];
  /** The stack as folders, topmost (the container's own) first. */
  readonly folders: readonly string[];
}

/** All in one folder, to be bound. */
export interface FolderLayer {
  readonly kind: 'folder';
  readonly folder: string;
  /** That folder. */
  readonly folders: readonly string[];
}

export interface CreateOptions {
  /** Of what the container writes (compat: `--storage-opt size`). Refused where the host cannot: `image.noSizeLimit`. */
  readonly sizeLimitBytes?: number;
}

export interface Snapshots {
  /** compat: Docker's name of the storage driver: `overlay2` or `vfs`. */
  readonly driver: string;
  /** What the layers have to be like: how the layer unpacker is opened, and layers are settled. */
  readonly layerForm: LayerForm;
  /** Makes the container's folders (again: nothing happens). Nothing stays behind when it fails. */
  create(containerId: string, imageId: string, options?: CreateOptions): Promise<void>;
  /** Throws when the container's folders or a layer are missing. */
  open(containerId: string, imageId: string): WritableLayer;
  /** Options of an overlay that shows an image's layers and cannot be written to. Throws where there is none to be had. */
  imageOptions(imageId: string): readonly string[];
  /** Removes the container's own folders; what is not there is no error. */
  remove(containerId: string): Promise<void>;
  /** Ids that have folders, for cleaning up after a crash. */
  list(): string[];
  /** What differs from the image (compat: `docker diff`). */
  changes(containerId: string, imageId: string): Promise<Change[]>;
  /** The tar of a layer that makes of the image what the container is now (compat: `docker commit`). Pause it before. */
  pack(containerId: string, imageId: string): AsyncGenerator<Buffer>;
  /** The tar of all the container sees, without its mounts (compat: `docker export`). */
  export(containerId: string, imageId: string): AsyncGenerator<Buffer>;
}
