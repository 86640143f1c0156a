/** Names of images, and their end. */
import { containerOfImage, type EngineParts } from '#engine';
import type { ImageUser, Removal } from '#images';
import type { RequestContext } from '#rpc';
import { errors } from '../../errors.ts';
import { sendJson, sendNothing } from '../../http-status.ts';
import { imageName } from '../../image-name.ts';
import { boolean, filters } from '../../query.ts';
import { flag, selectImages } from './list.ts';

export async function tagImage(parts: EngineParts, { params, query, response }: RequestContext): Promise<void> {
  await parts.images.tag(params['name']!, imageName(query));
  sendNothing(response, 201);
}

export async function removeImage(parts: EngineParts, { params, query, response }: RequestContext): Promise<void> {
  if (query.getAll('platforms').length > 0) {
    throw errors.unsupported('removing one platform of an image', 'remove the name, which is of all of them');
  }
  const removal = await parts.images.remove({
    reference: params['name']!,
    force: boolean(query, 'force'),
    keepParents: boolean(query, 'noprune'),
    inUse: imageUse(parts),
  });
  sendJson(response, 200, removalJson(removal));
}

export async function pruneImages(parts: EngineParts, { query, response }: RequestContext): Promise<void> {
  const wanted = filters(query, ['dangling', 'label', 'label!', 'until']);
  const { dangling, others } = splitDangling(wanted);
  const chosen = new Set((await selectImages(parts, others)).map(({ id }) => id));
  const pruned = await parts.images.prune({ all: !dangling, matches: ({ id }) => chosen.has(id) }, imageUse(parts));
  const removed = removalJson(pruned);
  sendJson(response, 200, {
    ImagesDeleted: removed.length === 0 ? null : removed,
    SpaceReclaimed: pruned.freedBytes,
  });
}

/** compat: for prune `dangling` says whether only nameless images go, which is the default. */
function splitDangling(wanted: ReadonlyMap<string, readonly string[]>) {
  const others = new Map(wanted);
  others.delete('dangling');
  const values = new Set((wanted.get('dangling') ?? ['true']).map(flag));
  if (values.size > 1) throw errors.invalid("invalid filter 'dangling=[false true]'");
  return { dangling: values.has(true), others };
}

/** Which container uses an image. */
export function imageUse(parts: EngineParts): (imageId: string) => ImageUser | undefined {
  return (imageId) => {
    const user = containerOfImage(parts, imageId);
    return user && { containerId: user.id, isRunning: parts.live.has(user.id) };
  };
}

function removalJson({ untagged, deleted }: Removal): object[] {
  return [...untagged.map((Untagged) => ({ Untagged })), ...deleted.map((Deleted) => ({ Deleted }))];
}
