/** A container's whole file system as a tar, as it looks from inside, without what is mounted into it. */
import { type EngineParts, eventAttributes, findContainer } from '../parts.ts';

/** Throws `container.noSuch` before the first byte. */
export function exportContainer(parts: EngineParts, reference: string): AsyncIterable<Buffer> {
  const record = findContainer(parts, reference);
  const tar = parts.snapshots.export(record.id, record.imageId);
  parts.events.emit('container', 'export', record.id, eventAttributes(record));
  return tar;
}
