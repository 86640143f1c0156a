/** A container's whole file system as a tar, as it looks from inside, without what is mounted into it. */
import { packRoot } from '#images';
import { type EngineParts, eventAttributes, findContainer } from '../parts.ts';

/** Throws `container.noSuch` before the first byte. */
export function exportContainer(parts: EngineParts, reference: string): AsyncIterable<Buffer> {
  const record = findContainer(parts, reference);
  parts.events.emit('container', 'export', record.id, eventAttributes(record));
  const { folders } = parts.snapshots.open(record.id, record.imageId);
  return packRoot({ folders, facts: parts.facts });
}
