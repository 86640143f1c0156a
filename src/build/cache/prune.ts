/** What the cache takes of the disk, and who goes when that is too much: the least recently used, never what is in use. */
import { statfs } from 'node:fs/promises';
import { compareTimes } from '#base';
import type { LayerKey } from '#images';
import type { BuildParts } from '../parts.ts';

interface Parts extends Pick<BuildParts, 'cache' | 'cacheMounts' | 'layers'> {
  readonly options: Pick<BuildParts['options'], 'dataRoot'>;
}

export interface CacheUsage {
  readonly id: string;
  readonly parents: readonly string[];
  readonly kind: 'regular' | 'source.git.checkout' | 'source.http' | 'exec.cachemount';
  readonly description: string;
  readonly isInUse: boolean;
  /** An image has its files too. */
  readonly isShared: boolean;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly useCount: number;
}

export interface PruneRequest {
  /** Also what images have too. */
  readonly all: boolean;
  readonly matches: (usage: CacheUsage) => boolean;
  /** Bytes of the cache that may stay in any case. */
  readonly reservedBytes?: number;
  /** Stop when no more than this is left. */
  readonly mostBytes?: number;
  /** Stop when so much of the disk is free. */
  readonly freeBytes?: number;
}

export interface Pruned {
  readonly ids: readonly string[];
  readonly freedBytes: number;
}

/** Results and cache mounts, in the order they were made. */
export function usageOf({ cache, cacheMounts, layers }: Parts): CacheUsage[] {
  const ofImages = layers.ofImages();
  const byStack = new Map(cache.list().map((entry) => [entry.layers.join(), entry.id]));
  const results = cache.list().map((entry): CacheUsage => {
    const { id, kind, description, own, createdAt, lastUsedAt, useCount } = entry;
    const parent = byStack.get(entry.layers.slice(0, entry.layers.length - own.length).join());
    return {
      id,
      parents: parent === undefined || parent === id ? [] : [parent],
      kind,
      description,
      isInUse: cache.isInUse(id),
      isShared: own.some((key) => ofImages.has(key)),
      sizeBytes: own.reduce((sum, key) => sum + (layers.get(key)?.sizeBytes ?? 0), 0),
      createdAt,
      lastUsedAt,
      useCount,
    };
  });
  const mounts = cacheMounts.list().map(({ id, name, sizeBytes, createdAt, lastUsedAt, useCount }): CacheUsage => {
    const isInUse = cacheMounts.isInUse(id);
    const shared = { parents: [], kind: 'exec.cachemount', isShared: false } as const;
    return { id, ...shared, description: `cached mount ${name}`, isInUse, sizeBytes, createdAt, lastUsedAt, useCount };
  });
  return [...results, ...mounts];
}

/** Removes what is asked for, the longest unused first. */
export async function pruneCache(parts: Parts, request: PruneRequest): Promise<Pruned> {
  const { all, matches, reservedBytes = 0, mostBytes, freeBytes } = request;
  const candidates = usageOf(parts).filter((each) => !each.isInUse && (all || !each.isShared) && matches(each));
  const hasLimit = mostBytes !== undefined || freeBytes !== undefined;
  const freeNow = freeBytes === undefined ? 0 : await freeOf(parts.options.dataRoot);
  const before = new Tally(parts).bytes;
  return remove(parts, candidates, (bytes) => {
    if (bytes <= reservedBytes && reservedBytes > 0) return true;
    if (!hasLimit) return false;
    const isSmall = mostBytes === undefined || bytes <= mostBytes;
    return isSmall && (freeBytes === undefined || freeNow + before - bytes >= freeBytes);
  });
}

/** Brings the cache below its budget, and removes what it has forgotten. */
export async function collectCache(parts: Parts, budgetBytes: number): Promise<void> {
  if (new Tally(parts).bytes > budgetBytes) {
    const candidates = usageOf(parts).filter(({ isInUse }) => !isInUse);
    await remove(parts, candidates, (bytes) => bytes <= budgetBytes);
  }
  if (parts.cache.takeForgotten()) await parts.layers.collect();
}

/** Until it is enough; asked with the bytes that are left. */
async function remove(
  parts: Parts,
  candidates: readonly CacheUsage[],
  isEnough: (bytes: number) => boolean,
): Promise<Pruned> {
  const { cache, cacheMounts, layers } = parts;
  const tally = new Tally(parts);
  const before = tally.bytes;
  const ids: string[] = [];
  for (const { id, kind } of candidates.toSorted(longestUnused)) {
    if (isEnough(tally.bytes)) break;
    tally.forget(id);
    ids.push(id);
    if (kind === 'exec.cachemount') await cacheMounts.remove(id);
    else cache.remove(id);
  }
  if (cache.takeForgotten()) await layers.collect();
  return { ids, freedBytes: before - tally.bytes };
}

const longestUnused = (a: CacheUsage, b: CacheUsage): number => compareTimes(a.lastUsedAt, b.lastUsedAt);

/** Bytes that are there because of the cache alone: each layer once, those of images not at all. */
class Tally {
  readonly #parts: Parts;
  readonly #users = new Map<LayerKey, number>();
  bytes = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    const ofImages = parts.layers.ofImages();
    for (const { layers } of parts.cache.list()) {
      for (const key of layers) {
        if (ofImages.has(key)) continue;
        const users = this.#users.get(key) ?? 0;
        if (users === 0) this.bytes += this.#sizeOf(key);
        this.#users.set(key, users + 1);
      }
    }
    for (const { sizeBytes } of parts.cacheMounts.list()) this.bytes += sizeBytes;
  }

  /** Before it is removed. */
  forget(id: string): void {
    const { cache, cacheMounts } = this.#parts;
    this.bytes -= cacheMounts.list().find((each) => each.id === id)?.sizeBytes ?? 0;
    for (const key of cache.list().find((each) => each.id === id)?.layers ?? []) {
      const users = this.#users.get(key);
      if (users === undefined) continue;
      if (users === 1) this.bytes -= this.#sizeOf(key);
      this.#users.set(key, users - 1);
    }
  }

  #sizeOf(key: LayerKey): number {
    return this.#parts.layers.get(key)?.sizeBytes ?? 0;
  }
}

async function freeOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
