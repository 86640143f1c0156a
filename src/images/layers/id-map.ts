/** Owners in a user namespace: which id of the host stands for an id of the archive. spec: user_namespaces(7). */

export interface IdRange {
  /** First id inside. */
  readonly containerId: number;
  /** First id on the host. */
  readonly hostId: number;
  readonly size: number;
}

export interface IdMap {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** The id on the host; undefined when the ranges do not hold it. */
export function hostIdOf(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  return range && range.hostId + (id - range.containerId);
}

/** The id inside; undefined when the ranges do not hold it. */
export function containerIdOf(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ hostId, size }) => id >= hostId && id < hostId + size);
  return range && range.containerId + (id - range.hostId);
}
