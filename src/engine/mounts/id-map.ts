/**
 * Whose files they are in an id-mapped mount: `uids=0-100000-65536;gids=0-100000-65536`, each range being the first id on the
 * disk, the first id the container sees, and how many; several are joined by `#`. Ids of no range are nobody's.
 *
 * Not Docker's; the form is Podman's. man: mount_setattr(2), "ID-mapped mounts".
 */
import type { IdMapping } from '#specs';

export interface MountIdMaps {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/** kernel: the last id is nobody's at all. */
const IDS = 2 ** 32 - 1;
/** kernel: UID_GID_MAP_MAX_EXTENTS. */
const MAX_RANGES = 340;
const ALL: readonly IdMapping[] = [{ containerID: 0, hostID: 0, size: IDS }];

/** A kind that is not given stays as it is. Says what is wrong in words. */
export function parseIdMaps(text: string): MountIdMaps | { readonly wrong: string } {
  const maps = new Map<string, readonly IdMapping[]>();
  for (const part of text.split(';')) {
    const [, kind = '', ranges = ''] = /^(uids|gids)=(.*)$/.exec(part) ?? [];
    if (kind === '') return { wrong: `'${part}' is neither uids=DISK-CONTAINER-COUNT nor gids=…` };
    if (maps.has(kind)) return { wrong: `${kind} is given twice` };
    const parsed = parseRanges(ranges);
    if ('wrong' in parsed) return { wrong: `${kind}: ${parsed.wrong}` };
    maps.set(kind, parsed.ranges);
  }
  return { uids: maps.get('uids') ?? ALL, gids: maps.get('gids') ?? ALL };
}

function parseRanges(text: string): { readonly ranges: IdMapping[] } | { readonly wrong: string } {
  const ranges: IdMapping[] = [];
  for (const each of text.split('#')) {
    const match = /^(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(each);
    if (!match) return { wrong: `'${each}' is no range DISK-CONTAINER-COUNT of three numbers` };
    const [containerID, hostID, size] = [Number(match[1]), Number(match[2]), Number(match[3])];
    if (size === 0) return { wrong: `'${each}' is a range of no ids` };
    if (Math.max(containerID, hostID) + size > IDS) return { wrong: `'${each}' goes beyond the id ${IDS - 1}` };
    const other = ranges.find((range) => overlaps(range, { containerID, hostID, size }));
    if (other) {
      return { wrong: `'${each}' shares ids with '${other.containerID}-${other.hostID}-${other.size}'` };
    }
    ranges.push({ containerID, hostID, size });
  }
  return ranges.length > MAX_RANGES ? { wrong: `more than ${MAX_RANGES} ranges` } : { ranges };
}

/** kernel: on neither side may an id be in two ranges. */
function overlaps(a: IdMapping, b: IdMapping): boolean {
  const share = (x: number, y: number): boolean => x < y + b.size && y < x + a.size;
  return share(a.containerID, b.containerID) || share(a.hostID, b.hostID);
}
