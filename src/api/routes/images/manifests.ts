/** The manifests of an image, as newer clients show them (`docker image ls --tree`). An image here has one platform. */
import type { EngineParts } from '#engine';
import type { ImageRecord } from '#images';
import { fullName } from '#registry';
import { platformJson } from '#specs';
import { errors } from '../../errors.ts';
import { boolean } from '../../query.ts';

/** Newest first: the same layers may be here in several compressions. With `identity` where they have come from. */
export function manifestsOf(parts: EngineParts, image: ImageRecord, { identity = false } = {}): object[] {
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
        ...(identity ? { Identity: identityOf(image) } : {}),
        Containers: containers,
        Size: { Unpacked: image.sizeBytes },
      },
    };
  });
}

/** The repositories it was pulled from or pushed to, as registries have confirmed; null where there are none. */
function identityOf({ repoDigests }: ImageRecord): object | null {
  const repositories = new Set(repoDigests.map((name) => fullName(name.slice(0, name.indexOf('@')))));
  return repositories.size === 0 ? null : { Pull: [...repositories].map((Repository) => ({ Repository })) };
}

/** Throws `api.invalid` when it is asked for without what it is part of. */
export function wantsIdentity(query: URLSearchParams): boolean {
  const wants = boolean(query, 'identity');
  if (wants && !boolean(query, 'manifests')) throw errors.invalid('identity requires manifests');
  return wants;
}
