/** How much a container has written. */
import { measureTree } from '#linux';
import type { ContainerRecord } from '../container-record.ts';
import type { EngineParts } from '../parts.ts';

/** Bytes of the files in its writable layer, its log not counted; 0 while it is being made or removed. */
export async function writableBytes(parts: EngineParts, { id, imageId }: ContainerRecord): Promise<number> {
  try {
    return await measureTree(parts.snapshots.open(id, imageId).folders[0]!);
  } catch {
    return 0;
  }
}
