/** `rmi` and `image prune`: names go first, then the image, then the content nobody else has. */
import { type Digest, shortId } from '#base';
import { parseReference, repositoryOf } from '#registry';
import { collectGarbage } from './collect.ts';
import { errors } from './errors.ts';
import { isIdOf, withTag } from './find.ts';
import { type ImageEvent, type ImageParts, STORE } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import type { ImageUse, ImageUser, PruneOptions, Removal, RemoveRequest } from './images.ts';
import { chainIdOf } from './layers/chain-id.ts';

/** Throws `image.noSuch` and the refusals of images in use. */
export async function removeImage(parts: ImageParts, request: RemoveRequest): Promise<Removal> {
  const { reference, inUse } = request;
  const removal = await parts.locks.run(STORE, async () => {
    const image = parts.index.find(reference);
    if (!image) throw errors.noSuch(withTag(reference));
    const user = inUse(image.id);
    const going = namesToGo(parts, image, request, user);
    const left = without(image, going);
    if (left.tags.length > 0 || user !== undefined || hasChildren(parts, image)) {
      // compat: Docker drops the record of a used image when forced and keeps its layers for the container. Here the
      // container finds its layers through the record, so that stays, without names. So does one that others were
      // made from here.
      parts.index.put([left]);
      announceUntagged(parts, image, going);
      return { untagged: going, deleted: [] };
    }
    announceUntagged(parts, image, going);
    const untagged = [...going, ...left.repoDigests];
    return { untagged, deleted: deleteWithParents(parts, image, request) };
  });
  if (removal.deleted.length > 0) await collectGarbage(parts);
  return removal;
}

/** Images without a name, or with `all` those no container uses. */
export async function pruneImages(
  parts: ImageParts,
  { all, matches }: PruneOptions,
  inUse: ImageUse,
): Promise<Removal & { freedBytes: number }> {
  const { untagged, deleted } = await parts.locks.run(STORE, async () => {
    const parents = new Set(parts.index.list().flatMap(({ parent }) => parent ?? []));
    const going = parts.index
      .list()
      .filter(
        (image) => (all || (image.tags.length === 0 && !parents.has(image.id))) && !inUse(image.id) && matches(image),
      );
    return {
      untagged: going.flatMap(({ tags, repoDigests }) => [...tags, ...repoDigests]),
      deleted: going.flatMap((image) => {
        announceUntagged(parts, image, image.tags);
        return deleteOne(parts, image);
      }),
    };
  });
  const freedBytes = await collectGarbage(parts);
  parts.announce({ action: 'prune', id: '', attributes: { reclaimed: String(freedBytes) } });
  return { untagged, deleted, freedBytes };
}

/** The image and, unless they are to stay, the nameless images it was made from that nothing else needs. */
function deleteWithParents(parts: ImageParts, image: ImageRecord, { keepParents, inUse }: RemoveRequest): string[] {
  const deleted = deleteOne(parts, image);
  const parent = image.parent === undefined ? undefined : parts.index.get(image.parent);
  if (keepParents || !parent || parent.tags.length > 0 || parent.repoDigests.length > 0 || inUse(parent.id)) {
    return deleted;
  }
  if (hasChildren(parts, parent)) return deleted;
  return [...deleted, ...deleteWithParents(parts, parent, { reference: '', force: false, keepParents, inUse })];
}

/** compat: the image's id, then the chains of layers that no other image has, topmost first. */
function deleteOne(parts: ImageParts, image: ImageRecord): string[] {
  parts.index.delete(image.id);
  announce(parts, 'delete', image.id, image.id);
  const kept = new Set(parts.index.list().flatMap(chainsOf));
  return [
    image.id,
    ...chainsOf(image)
      .filter((chain) => !kept.has(chain))
      .reverse(),
  ];
}

function chainsOf({ layers }: ImageRecord): Digest[] {
  return layers.map((_, index) => {
    const [first, ...rest] = layers.slice(0, index + 1).map(({ diffId }) => diffId);
    return chainIdOf([first!, ...rest]);
  });
}

const hasChildren = ({ index }: ImageParts, { id }: ImageRecord): boolean =>
  index.list().some(({ parent }) => parent === id);

function namesToGo(
  parts: ImageParts,
  image: ImageRecord,
  { reference, force }: RemoveRequest,
  user: ImageUser | undefined,
): string[] {
  if (isIdOf(reference, image.id)) {
    if (hasChildren(parts, image)) throw errors.hasChildren(shortId(image.id));
    return namesById(image, force, user);
  }
  const name = withTag(reference);
  // compat: refused when it is the image's only name and a container uses the image.
  if (!force && user && image.tags.length + image.repoDigests.length === 1) {
    throw errors.repositoryInUse(reference, shortId(user.containerId), shortId(image.id));
  }
  const { digest } = parseReference(reference);
  if (digest !== undefined) return [name];
  // compat: digests of a repository go with its last tag.
  const repository = repositoryOf(name);
  const isLast = !image.tags.some((tag) => tag !== name && repositoryOf(tag) === repository);
  const digests = isLast ? image.repoDigests.filter((each) => each.startsWith(`${repository}@`)) : [];
  if (!force && user && isLast && image.tags.length === 1) {
    throw errors.repositoryInUse(reference, shortId(user.containerId), shortId(image.id));
  }
  return [name, ...digests];
}

/** All of them. compat: refused when they are of several repositories, or a container uses the image. */
function namesById(image: ImageRecord, force: boolean, user: ImageUser | undefined): string[] {
  const id = shortId(image.id);
  if (user?.isRunning === true) throw errors.inUseRunning(id, shortId(user.containerId));
  if (!force && new Set(image.tags.map(repositoryOf)).size > 1) throw errors.manyRepositories(id);
  if (!force && user) throw errors.inUseStopped(id, shortId(user.containerId));
  if (user && image.tags.length === 0) throw errors.inUseUntagged(id, shortId(user.containerId));
  return [...image.tags, ...image.repoDigests];
}

function without(image: ImageRecord, names: readonly string[]): ImageRecord {
  const stays = (name: string): boolean => !names.includes(name);
  return { ...image, tags: image.tags.filter(stays), repoDigests: image.repoDigests.filter(stays) };
}

function announceUntagged(parts: ImageParts, image: ImageRecord, names: readonly string[]): void {
  for (const _ of names.filter((name) => image.tags.includes(name))) announce(parts, 'untag', image.id, image.id);
}

function announce(parts: ImageParts, action: ImageEvent['action'], id: string, name: string): void {
  parts.announce({ action, id, attributes: { name } });
}
