/** `history`: how an image came to be, newest first, with the size of what each step added. */
import type { HistoryEntry, Platform } from '#specs';
import { findImage } from './find.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import { lookAtPlatform } from './image-roots.ts';
import type { HistoryRow } from './images.ts';

/** Of the image for a platform where one is wanted. Throws `image.noSuch`, `image.otherPlatform`. */
export async function imageHistory(parts: ImageParts, reference: string, platform?: Platform): Promise<HistoryRow[]> {
  const image = platform ? await lookAtPlatform(parts, reference, platform) : await findImage(parts, reference);
  const rows = withSizes(image);
  // compat: rows of images this one was made from on this machine carry their ids, all others `<missing>`.
  let owner: ImageRecord | undefined = image;
  return rows.reverse().map((row) => {
    const known: ImageRecord | undefined = owner?.history.length === row.depth ? owner : undefined;
    if (known) owner = known.parent === undefined ? undefined : parts.index.get(known.parent);
    const { depth: _, ...rest } = row;
    return { ...rest, id: known?.id ?? '<missing>', tags: known?.tags ?? [] };
  });
}

type SizedEntry = HistoryEntry & { readonly sizeBytes: number; readonly depth: number };

/** Entries in the order of time, with the layer each made; layers beyond the history have rows of their own. */
function withSizes({ history, layers }: ImageRecord): SizedEntry[] {
  let used = 0;
  const rows = history.map((entry, index): SizedEntry => {
    const layer = entry.emptyLayer === true ? undefined : layers[used++];
    return { ...entry, sizeBytes: layer?.sizeBytes ?? 0, depth: index + 1 };
  });
  const rest = layers.slice(used).map(({ sizeBytes }, index) => ({ sizeBytes, depth: history.length + index + 1 }));
  return [...rows, ...rest];
}
