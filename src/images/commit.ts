/** `commit`: one more layer over an image, made of what a container changed. */
import { randomUUID } from 'node:crypto';
import { formatTimeNs, nowNs } from '#base';
import { parseTag } from '#registry';
import type { HistoryEntry } from '#specs';
import { readImage } from './adopt.ts';
import { applyChanges } from './changes.ts';
import { collectGarbage } from './collect.ts';
import { createImage, layerType } from './create-image.ts';
import { errors } from './errors.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import type { CommitOptions } from './images.ts';

/** Throws before anything is read when name or changes are wrong. Nothing stays behind when it fails. */
export async function commitImage(parts: ImageParts, options: CommitOptions): Promise<ImageRecord> {
  const { parent, signal } = options;
  const config = applyChanges(options.config, options.changes);
  const tag = options.reference === undefined ? undefined : parseTag(options.reference);
  const key = `commit ${randomUUID()}`;
  const lease = parts.content.lease(key, { isTransient: true });
  try {
    const base = await readImage(parts, parent.manifests[0]!);
    for (const { digest } of base.manifest.layers) lease.hold(digest);
    await using ingest = await parts.content.ingest(key, { lease });
    const blob = await (async () => {
      try {
        for await (const chunk of options.layer) {
          if (signal?.aborted === true) throw errors.cancelled('commit');
          await ingest.write(chunk);
        }
        return await ingest.commit();
      } catch (error) {
        await ingest.abort();
        throw error;
      }
    })();
    const createdAt = formatTimeNs(nowNs());
    return await createImage(parts, {
      lease,
      layers: [
        ...parent.layers.map(({ diffId }, index) => ({ descriptor: base.manifest.layers[index]!, diffId })),
        {
          descriptor: { mediaType: layerType(undefined), digest: blob.digest, size: blob.sizeBytes },
          diffId: blob.digest,
        },
      ],
      config,
      platform: parent.platform,
      history: [...parent.history, entryOf(options, createdAt)],
      author: options.author,
      comment: options.comment,
      createdAt,
      tag,
      parent: parent.id,
      signal,
    });
  } catch (error) {
    lease.release();
    await collectGarbage(parts);
    throw error;
  } finally {
    lease.release();
  }
}

function entryOf({ createdBy, author, comment }: CommitOptions, created: string): HistoryEntry {
  return {
    created,
    createdBy,
    ...(author === '' ? {} : { author }),
    ...(comment === '' ? {} : { comment }),
  };
}
