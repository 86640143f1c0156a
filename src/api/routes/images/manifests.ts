/** The manifests of an image, as newer clients show them (`docker image ls --tree`). An image here has one platform. */
import type { EngineParts } from '#engine';
import type { ImageRecord } from '#images';
import { platformJson } from '#specs';
import { errors } from '../../errors.ts';

/** Newest first: the same layers may be here in several compressions. */
export function manifestsOf(parts: EngineParts, image: ImageRecord): object[] {
  const containers = parts.containers
    .list()
    .filter(({ imageId }) => imageId === image.id)
    .map(({ id }) => id);
  return image.manifests.map(({ mediaType, digest, size }) => {
    const contentBytes = parts.images.contentBytes(digest);
    return {
      ID: digest,
      Descriptor: { mediaType, digest, size },
      Available: contentBytes !== undefined,
      Size: { Content: contentBytes ?? 0, Total: (contentBytes ?? 0) + image.sizeBytes },
      Kind: 'image',
      ImageData: {
        Platform: platformJson(image.platform),
        Containers: containers,
        Size: { Unpacked: image.sizeBytes },
      },
    };
  });
}

/** Of API versions above ours, and nothing here knows who signed what. */
export function refuseIdentity(query: URLSearchParams): void {
  if (query.has('identity')) throw errors.unsupported("'identity'", 'nothing is known of signatures');
}
