/** What a container has changed in its image's file system. */
import { changesOf, type FileChange } from '#images';
import { findContainer, type EngineParts } from '../parts.ts';

/** Sorted by path. Throws `container.noSuch`. */
export async function changesOfContainer(parts: EngineParts, reference: string): Promise<readonly FileChange[]> {
  const { id, imageId } = findContainer(parts, reference);
  const [upper, ...lowers] = parts.snapshots.open(id, imageId).folders;
  return changesOf({ upper: upper!, lowers });
}
