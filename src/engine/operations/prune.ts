/** Removes all containers that do not run. */
import { causeChain } from '#base';
import type { ContainerRecord } from '../container-record.ts';
import { isLive } from '../lifecycle.ts';
import type { EngineParts } from '../parts.ts';
import { writableBytes } from './disk-usage.ts';
import { removeContainer } from './remove.ts';

export interface Pruned {
  readonly ids: readonly string[];
  readonly freedBytes: number;
}

/** compat: one that was started meanwhile, or cannot be removed, stays. */
export async function pruneContainers(
  parts: EngineParts,
  matches: (record: ContainerRecord) => boolean,
  signal?: AbortSignal,
): Promise<Pruned> {
  const ids: string[] = [];
  let freedBytes = 0;
  for (const record of parts.containers.list()) {
    if (signal?.aborted === true) break;
    if (isLive(record.status) || record.status === 'removing' || !matches(record)) continue;
    const bytes = await writableBytes(parts, record);
    try {
      await removeContainer(parts, record.id, { force: false, volumes: false });
    } catch (error) {
      parts.log.warn('a container could not be pruned', { container: record.id, error: causeChain(error) });
      continue;
    }
    ids.push(record.id);
    freedBytes += bytes;
  }
  parts.events.emit('container', 'prune', '', { reclaimed: String(freedBytes) });
  return { ids, freedBytes };
}
