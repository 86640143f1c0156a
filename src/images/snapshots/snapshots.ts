/**
 * Writable layers: what a container sees of its image's layers and may change.
 *
 * Two ways to the same thing, which pass the same tests: an overlay of a folder of the container's own over the image's
 * layers, or, where the data folder's file system cannot carry an overlay, a copy of everything.
 */

/** The root file system of a container, to be mounted in its own mount namespace. */
export type WritableLayer = OverlayLayer | FolderLayer;

export interface OverlayLayer {
  readonly kind: 'overlay';
  /** For the overlay file system: lowerdir, upperdir, workdir, in the form this kernel takes. */
  readonly overlayOptions: readonly string[];
  /** The stack as folders, topmost (the container's own) first. */
  readonly folders: readonly string[];
  /** What it began with. */
  readonly lowers: readonly string[];
}

/** All in one folder, to be bound. */
export interface FolderLayer {
  readonly kind: 'folder';
  readonly folder: string;
  /** That folder. */
  readonly folders: readonly string[];
  /** What it was copied from, topmost first. */
  readonly lowers: readonly string[];
}

export interface Snapshots {
  /** compat: Docker's name of the storage driver: `overlay2` or `vfs`. */
  readonly driver: string;
  /** Makes the container's folders (again: nothing happens). */
  create(containerId: string, imageId: string): Promise<void>;
  /** Throws when the container's folders or a layer are missing. */
  open(containerId: string, imageId: string): WritableLayer;
  /** Removes the container's own folders; what is not there is no error. */
  remove(containerId: string): Promise<void>;
  /** Ids that have folders, for cleaning up after a crash. */
  list(): string[];
}
