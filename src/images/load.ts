/** `load`: images from an archive. */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { adopt } from './adopt.ts';
import { readArchive } from './archive/read-archive.ts';
import { storeEntries } from './archive/store-entries.ts';
import { collectGarbage } from './collect.ts';
import { errors } from './errors.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import type { LoadOptions } from './images.ts';
import { EarlyUnpacks } from './unpack-layers.ts';

/**
 * Layers are unpacked while the rest of the archive comes in. Images that are complete stay when a later one fails.
 * Throws `image.badArchive`, `tar.*`, `oci.*`.
 */
export async function loadImages(parts: ImageParts, archive: Readable, options: LoadOptions): Promise<ImageRecord[]> {
  const { signal } = options;
  const key = `load ${randomUUID()}`;
  const lease = parts.content.lease(key, { isTransient: true });
  try {
    await using early = new EarlyUnpacks(parts, signal);
    const files = await storeEntries(archive, {
      content: parts.content,
      lease,
      key,
      signal,
      onLayer: ({ digest, sizeBytes, isNew }) => {
        early.start(digest, { isVerified: isNew });
        options.onProgress?.({ id: digest, status: 'Loading layer', current: sizeBytes, total: sizeBytes });
      },
    });
    const found = await readArchive({
      content: parts.content,
      lease,
      files,
      platform: options.platform ?? parts.host,
      isPlatformGiven: options.platform !== undefined,
    });
    if (found.length === 0) throw errors.badArchive('it holds no image for the wanted platform');
    const images: ImageRecord[] = [];
    for (const { manifest, tags, root } of found) {
      const holders = tags.map((tag) => ({ tag, id: parts.index.named(tag)?.id }));
      const image = await adopt(parts, {
        ...{ manifest, lease, tags, early },
        ...(root ? { root } : {}),
        ...(signal ? { signal } : {}),
      });
      images.push(image);
      parts.announce({ action: 'load', id: image.id, attributes: { name: image.id } });
      for (const { tag, id } of holders) {
        if (id !== undefined && id !== image.id) {
          options.onLoaded?.(`The image ${tag} already exists, renaming the old one with ID ${id} to empty string`);
        }
        options.onLoaded?.(`Loaded image: ${tag}`);
      }
      if (tags.length === 0) options.onLoaded?.(`Loaded image ID: ${image.id}`);
    }
    return images;
  } finally {
    lease.release();
    await collectGarbage(parts);
  }
}
