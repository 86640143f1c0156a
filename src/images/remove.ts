/** `rmi` and `image prune`: names go first, then the image, then the content nobody else has. */
import { type Digest, shortId } from '#base';
import { parseReference, repositoryOf } from '#registry';
import { collectGarbage } from './collect.ts';
import { errors } from './errors.ts';
import { isIdOf, withTag } from './find.ts';
import { type ImageEvent, type ImageParts, STORE } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import { isRooted, rootedManifests } from './image-roots.ts';
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
    if (left.tags.length + left.repoDigests.length > 0 || user !== undefined || hasChildren(parts, image)) {
      // compat: Docker drops the record of a used image when forced and keeps its layers for the container. Here the
      // container finds its layers through the record, so that stays, without names. So does one that others were
      // made from here.
      const rooted = rootedManifests(parts, [image]);
      parts.index.put([left]);
      announceUntagged(parts, image, going);
      return {
        untagged: going,
        deleted: deleteImages(parts, unrooted(parts, rooted, inUse)),
        hasLess: rooted.size > 0,
      };
    }
    announceUntagged(parts, image, going);
    const rooted = rootedManifests(parts, [image]);
    const deleted = deleteImages(parts, withParents(parts, image, request));
    return { untagged: going, deleted: [...deleted, ...deleteImages(parts, unrooted(parts, rooted, inUse))] };
  });
  const { untagged, deleted, hasLess = false } = removal;
  if (deleted.length > 0 || hasLess) await collectGarbage(parts);
  return { untagged, deleted };
}

/** Images for other platforms that were recorded because they are of roots nobody has any more. */
function unrooted(parts: ImageParts, before: ReadonlySet<Digest>, inUse: ImageUse): ImageRecord[] {
  if (before.size === 0) return [];
  const now = rootedManifests(parts, parts.index.list());
  return parts.index
    .list()
    .filter(
      (image) => isRooted(image, before) && !isRooted(image, now) && !hasChildren(parts, image) && !inUse(image.id),
    );
}

/** Images without a name, or with `all` those no container uses. */
export async function pruneImages(
  parts: ImageParts,
  { all, matches }: PruneOptions,
  inUse: ImageUse,
): Promise<Removal & { freedBytes: number }> {
  const { untagged, deleted } = await parts.locks.run(STORE, async () => {
    const parents = new Set(parts.index.list().flatMap(({ parent }) => parent ?? []));
    const rooted = rootedManifests(parts, parts.index.list());
    const isDangling = (image: ImageRecord): boolean =>
      image.tags.length === 0 && !parents.has(image.id) && !isRooted(image, rooted);
    const going = parts.index
      .list()
      .filter((image) => (all || isDangling(image)) && !inUse(image.id) && matches(image));
    for (const image of going) announceUntagged(parts, image, image.tags);
    const names = going.flatMap(({ tags, repoDigests }) => [...tags, ...repoDigests]);
    const deleted = deleteImages(parts, going);
    return { untagged: names, deleted: [...deleted, ...deleteImages(parts, unrooted(parts, rooted, inUse))] };
  });
  const freedBytes = await collectGarbage(parts);
  parts.announce({ action: 'prune', id: '', attributes: { reclaimed: String(freedBytes) } });
  return { untagged, deleted, freedBytes };
}

/** The image and, unless they are to stay, the nameless images it was made from that nothing else needs. */
function withParents(parts: ImageParts, image: ImageRecord, { keepParents, inUse }: RemoveRequest): ImageRecord[] {
  const going = [image];
  for (let child = image; !keepParents && child.parent !== undefined; ) {
    const parent = parts.index.get(child.parent);
    if (!parent || parent.tags.length + parent.repoDigests.length > 0 || inUse(parent.id)) break;
    const others = parts.index.list().filter((each) => each.parent === parent.id && !going.includes(each));
    if (others.length > 0) break;
    going.push(parent);
    child = parent;
  }
  return going;
}

/** compat: each image's id, then the chains of layers that no other image has, topmost first. */
function deleteImages(parts: ImageParts, images: readonly ImageRecord[]): string[] {
  const users = new Map<Digest, number>();
  for (const chain of parts.index.list().flatMap(chainsOf)) users.set(chain, (users.get(chain) ?? 0) + 1);
  parts.index.delete(images.map(({ id }) => id));
  return images.flatMap((image) => {
    announce(parts, 'delete', image.id, image.id);
    const chains = chainsOf(image);
    for (const chain of chains) users.set(chain, users.get(chain)! - 1);
    return [image.id, ...chains.filter((chain) => users.get(chain) === 0).reverse()];
  });
}

function chainsOf({ layers }: ImageRecord): Digest[] {
  const chains: Digest[] = [];
  for (const { diffId } of layers) {
    const below = chains.at(-1);
    chains.push(below === undefined ? chainIdOf([diffId]) : chainIdOf([below, diffId]));
  }
  return chains;
}

const hasChildren = ({ index }: ImageParts, { id }: ImageRecord): boolean =>
  index.list().some(({ parent }) => parent === id);

function namesToGo(
  parts: ImageParts,
  image: ImageRecord,
  { reference, force }: RemoveRequest,
  user: ImageUser | undefined,
): string[] {
  // compat: the digest of what its names stand for is as good as its id.
  if (isIdOf(reference, image.id) || image.roots?.some(({ root }) => isIdOf(reference, root.digest))) {
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
