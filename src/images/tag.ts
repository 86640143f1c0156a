/** `tag`: another name for an image. */
import { formatTimeNs, nowNs } from '#base';
import { parseTag } from '#registry';
import { withoutNames, withRoot } from './adopt.ts';
import { errors } from './errors.ts';
import { findImage, withTag } from './find.ts';
import { type ImageParts, STORE } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import { rootOf } from './image-roots.ts';

/** It stands for what the source stands for. The image that had the name loses it. Throws `image.noSuch`, and `reference.*` for a name that can be none. */
export async function tagImage(parts: ImageParts, source: string, target: string): Promise<ImageRecord> {
  const tag = parseTag(target);
  await findImage(parts, source);
  return parts.locks.run(STORE, async () => {
    // Not made again if it went meanwhile: that would wait for this very lock.
    const image = parts.index.find(source);
    if (!image) throw errors.noSuch(withTag(source));
    const tagged = {
      ...image,
      tags: [...new Set([...image.tags, tag])],
      roots: withRoot(image.roots ?? [], [tag], rootOf(image, source)),
      taggedAt: formatTimeNs(nowNs()),
    };
    parts.index.put([...withoutNames(parts, [tag], image.id), tagged]);
    parts.announce({ action: 'tag', id: image.id, attributes: { ...image.config.labels, name: tag } });
    return parts.index.get(image.id)!;
  });
}
