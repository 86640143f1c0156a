/** What a container has changed in its image's file system. */
import type { Change } from '#images';
import { type EngineParts, findContainer, whileThere } from '../parts.ts';

/** In the order of the tree. Throws `container.noSuch`. */
export async function changesOfContainer(parts: EngineParts, reference: string): Promise<readonly Change[]> {
  const { id, imageId } = findContainer(parts, reference);
  return whileThere(parts, id, () => parts.snapshots.changes(id, imageId));
}
