/** Writable layers: an overlay of a container's own upper folder over the image's layers. */

export interface WritableLayer {
  /** For the overlay file system: lowerdir, upperdir, workdir, in the form this kernel takes. */
  readonly overlayOptions: readonly string[];
  /** The stack as folders, topmost (the container's own) first. */
  readonly folders: readonly string[];
}

export interface Snapshots {
  /** Makes the container's folders (again: nothing happens). */
  create(containerId: string, imageId: string): void;
  /** Throws when the container's folders or a layer are missing. */
  open(containerId: string, imageId: string): WritableLayer;
  /** Removes the container's own folders; what is not there is no error. */
  remove(containerId: string): Promise<void>;
  /** Ids that have folders, for cleaning up after a crash. */
  list(): string[];
}
