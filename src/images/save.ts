/** `save`: an archive of images. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { parseReference } from '#registry';
import { type Descriptor, formatPlatform, type Platform, selectPlatform } from '#specs';
import { readImage } from './adopt.ts';
import { type SavedImage, type SavedRoot, writeArchive } from './archive/write-archive.ts';
import type { Lease } from './content/content-store.ts';
import { errors } from './errors.ts';
import { findImage, isIdOf, lookUpImage, withTag } from './find.ts';
import { reachable } from './image-export.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import { entriesOf, entryFor, rootOf } from './image-roots.ts';
import type { SaveOptions } from './images.ts';

/** Everything is found before the first byte; the images stay while the archive is read. Throws `image.noSuch`. */
export async function saveImages(
  parts: ImageParts,
  references: readonly string[],
  { platform, signal }: SaveOptions,
): Promise<Readable> {
  const lease = parts.content.lease(`save ${randomUUID()}`, { isTransient: true });
  try {
    const wanted = new Map<string, { image: ImageRecord; tags: Set<string> }>();
    for (const reference of references) {
      for (const { image, tags } of await imagesFor(parts, reference)) {
        const entry = wanted.getOrInsertComputed(image.id, () => ({ image, tags: new Set<string>() }));
        for (const tag of tags) entry.tags.add(tag);
      }
    }
    const saved: SavedImage[] = [];
    for (const { image, tags } of wanted.values()) {
      const descriptor = await manifestToSave(parts, image, [...tags][0] ?? image.id, platform);
      lease.hold(descriptor.digest);
      const { manifest, config } = await readImage(parts, descriptor);
      const roots = platform ? [] : await rootsToSave(parts, image, [...tags], lease);
      saved.push({ platform: config.platform, descriptor, manifest, roots, tags: [...tags].sort() });
      parts.announce({ action: 'save', id: image.id, attributes: { name: image.id } });
    }
    const stream = Readable.from(writeArchive(parts.content, saved), { objectMode: false });
    stream.once('close', () => lease.release());
    signal?.addEventListener('abort', () => stream.destroy(), { once: true });
    return stream;
  } catch (error) {
    lease.release();
    throw error;
  }
}

/** Of an index the image for the platform that was asked for. Throws `image.otherPlatform`, `image.noManifest`. */
async function manifestToSave(
  parts: ImageParts,
  image: ImageRecord,
  name: string,
  platform: Platform | undefined,
): Promise<Descriptor> {
  const entry = platform && (await entryFor(parts, image, name, platform));
  if (entry) return entry;
  if (platform && !selectPlatform([image], platform)) {
    throw errors.otherPlatform(image.tags[0] ?? image.id, formatPlatform(platform), formatPlatform(image.platform));
  }
  const root = rootOf(image, name);
  const entries = root ? await entriesOf(parts.content, root) : [];
  // The one of its root where it has one: the same layers need not be there in two compressions.
  const own = entries.find(({ digest }) => parts.content.stat(digest)?.references[0] === image.id);
  const descriptor = own ?? image.manifests[0];
  if (!descriptor) throw errors.noManifest(image.id);
  return descriptor;
}

/** What the names stand for, with all of it; of an image that is saved without a name what any of its names does. */
async function rootsToSave(
  parts: ImageParts,
  image: ImageRecord,
  tags: readonly string[],
  lease: Lease,
): Promise<SavedRoot[]> {
  const roots: SavedRoot[] = [];
  for (const tag of tags.length === 0 ? [''] : tags) {
    const root = rootOf(image, tag === '' ? image.id : tag);
    if (!root) continue;
    lease.hold(root.digest);
    roots.push({ tag, root, blobs: await reachable(parts.content, root) });
  }
  return roots;
}

/** compat: a name without a tag stands for all tags of the repository; an id for the image without names. */
async function imagesFor(
  parts: ImageParts,
  reference: string,
): Promise<{ readonly image: ImageRecord; readonly tags: readonly string[] }[]> {
  const byId = parts.index.list().find(({ id }) => reference.length === 64 && isIdOf(reference, id));
  if (byId || reference.startsWith('sha256:')) return [{ image: await findImage(parts, reference), tags: [] }];
  const { name, tag, digest } = parseReference(reference);
  if (tag === undefined && digest === undefined) {
    const all = parts.index.list().flatMap((image) => {
      const tags = image.tags.filter((each) => each.startsWith(`${name}:`));
      return tags.length === 0 ? [] : [{ image, tags }];
    });
    if (all.length > 0) return all;
  }
  const image = await lookUpImage(parts, reference);
  // compat: Docker's `save` names the reference as it was given.
  if (!image) throw errors.noSuch(reference);
  const full = withTag(reference);
  return [{ image, tags: image.tags.includes(full) ? [full] : [] }];
}
