/** `import`: an image of one layer, from a tar of a root file system. */
import { randomUUID } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import { formatTimeNs, nowNs } from '#base';
import { parseTag } from '#registry';
import { archiveBytes } from './layers/archive-stream.ts';
import { applyChanges } from './changes.ts';
import { collectGarbage } from './collect.ts';
import type { BlobInfo, Lease } from './content/content-store.ts';
import { createImage, layerType } from './create-image.ts';
import { errors } from './errors.ts';
import type { ImageParts } from './image-parts.ts';
import { emptyImageConfig, type ImageRecord } from './image-record.ts';
import type { ImportOptions } from './images.ts';

/** Throws before anything is read when name, platform or changes are wrong. Nothing stays behind when it fails. */
export async function importImage(parts: ImageParts, tar: Readable, options: ImportOptions): Promise<ImageRecord> {
  if (options.platform && options.platform.os !== 'linux') throw errors.foreignOs();
  const config = applyChanges(emptyImageConfig, options.changes);
  const tag = options.reference === undefined ? undefined : parseTag(options.reference);
  if (options.signal?.aborted === true) throw errors.cancelled('import');
  const key = `import ${randomUUID()}`;
  const lease = parts.content.lease(key, { isTransient: true });
  try {
    const blob = await storeArchive(parts, tar, { key, lease, signal: options.signal });
    const createdAt = formatTimeNs(nowNs());
    // compat: Docker's words when no message is given.
    const comment = options.message === '' ? 'Imported from -' : options.message;
    const image = await createImage(parts, {
      lease,
      layers: [{ descriptor: layerOf(blob), diffId: blob.digest }],
      config,
      platform: options.platform ?? parts.host,
      history: [{ created: createdAt, comment }],
      author: '',
      comment,
      createdAt,
      tag,
      signal: options.signal,
    });
    parts.announce({ action: 'import', id: image.id, attributes: { name: image.id } });
    return image;
  } catch (error) {
    lease.release();
    await collectGarbage(parts);
    throw error;
  } finally {
    lease.release();
  }
}

interface StoreArchiveRequest {
  readonly key: string;
  readonly lease: Lease;
  readonly signal: AbortSignal | undefined;
}

/** Keeps an archive's uncompressed bytes as a blob; of one that breaks off nothing stays. */
async function storeArchive(
  parts: Pick<ImageParts, 'content'>,
  archive: Readable,
  { key, lease, signal }: StoreArchiveRequest,
): Promise<BlobInfo> {
  // A source that gives nothing any more has to end too.
  if (signal) addAbortSignal(signal, archive);
  await using ingest = await parts.content.ingest(key, { lease });
  try {
    for await (const chunk of archiveBytes(archive)) {
      if (signal?.aborted === true) throw errors.cancelled('import');
      await ingest.write(chunk);
    }
    return await ingest.commit();
  } catch (error) {
    await ingest.abort();
    throw signal?.aborted === true ? errors.cancelled('import') : error;
  }
}

const layerOf = ({ digest, sizeBytes }: BlobInfo) => ({ mediaType: layerType(undefined), digest, size: sizeBytes });
