/** Images by name and id. */
import type { Readable } from 'node:stream';
import type { ImageRecord } from './image-record.ts';

export interface ImportOptions {
  /** `name:tag`; undefined leaves the image dangling. */
  readonly reference?: string;
  readonly message: string;
  /** Dockerfile instructions such as `CMD ["sh"]`, `ENV A=b` (compat: `docker import --change`). */
  readonly changes: readonly string[];
  readonly signal?: AbortSignal;
}

/** A container that uses an image. */
export interface ImageUser {
  readonly containerId: string;
  readonly isRunning: boolean;
}

export interface Images {
  /**
   * By `name`, `name:tag`, full id, or unique prefix of an id. `hello` is made from the package's own program when first asked for.
   * Throws `image.ambiguous`, and `reference.badReference` for what can be no name.
   */
  find(reference: string): Promise<ImageRecord | undefined>;
  get(id: string): ImageRecord | undefined;
  list(): ImageRecord[];
  /** One image from a tar of a root file system: plain, gzip or zstd. Nothing stays behind when it fails. */
  import(tar: Readable, options: ImportOptions): Promise<ImageRecord>;
  /**
   * Removes a tag, or the image and all its tags when the reference is an id; layers no other image uses go too.
   * `inUse` names a container that uses the image, a running one first; the image is then kept and the removal
   * refused, or with `force` (and no running one, or given a tag) only its tags go.
   */
  remove(
    reference: string,
    force: boolean,
    inUse: (imageId: string) => ImageUser | undefined,
  ): Promise<{ untagged: string[]; deleted: string[] }>;
}
