/**
 * After a power cut: what was made shortly before may have lost data. Blobs are read and compared with their digest,
 * layers are unpacked again from them, and an image that cannot be made whole is forgotten, as if it had not come yet.
 */
import { type Log, parseTimeNs } from '#base';
import { checkImages, type CheckParts } from './check.ts';
import { checkContent } from './content/fsck.ts';

export async function recoverUnsynced(parts: CheckParts, since: string, log: Log): Promise<void> {
  const problems = await checkContent(parts.content, { repair: true, deep: true, since });
  for (const layer of parts.layers.list()) {
    if ((parseTimeNs(layer.createdAt) ?? 0n) >= (parseTimeNs(since) ?? 0n)) await parts.layers.remove(layer.key);
  }
  const faults = await checkImages(parts, { repair: true, deep: false });
  log.warn('the machine went down before all data of images was on the disk', {
    since,
    damagedBlobs: problems.length,
    lostImages: faults.filter(({ kind }) => kind === 'image-lost').length,
  });
}
