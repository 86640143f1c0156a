/** How much a container has written. */
import { measureTree } from '#linux';
import type { ContainerRecord } from '../container-record.ts';
import type { EngineParts } from '../parts.ts';

/** What it has written, and the whole of what it sees. */
export async function containerSizes(
  parts: EngineParts,
  record: ContainerRecord,
): Promise<{ readonly writtenBytes: number; readonly wholeBytes: number }> {
  const written = await writableBytes(parts, record);
  return { writtenBytes: written, wholeBytes: written + (parts.images.get(record.imageId)?.sizeBytes ?? 0) };
}

/** Bytes of the files in its writable layer, its log not counted; 0 while it is being made or removed. */
export async function writableBytes(parts: EngineParts, { id, imageId }: ContainerRecord): Promise<number> {
  try {
    return await measureTree(parts.snapshots.open(id, imageId).folders[0]!);
  } catch {
    return 0;
  }
}
