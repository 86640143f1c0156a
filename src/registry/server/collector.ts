/**
 * Garbage collection beside a registry at work.
 *
 * What is pushed and not yet part of a manifest stays for a time: the manifest comes last. All decisions and the change
 * of records are one turn of the event loop; pushes under way hold their blobs by leases.
 */
import { causeChain, type Digest, formatBytes, type Log } from '#base';
import type { Repositories } from './repositories.ts';
import type { RegistryContent } from './storage.ts';
import type { Uploads } from './uploads.ts';

export interface CollectorOptions {
  readonly content: RegistryContent;
  readonly repositories: Repositories;
  readonly uploads: Uploads;
  readonly log: Log;
  readonly nowMs: () => number;
  /** How long blobs stay that no manifest refers to. */
  readonly graceMs: number;
  /** Manifests without a tag that nothing refers to go as well, after the same time. */
  readonly removeUntagged: boolean;
  /** Of a cache: how long what was fetched stays. 0: for ever. */
  readonly ttlMs: number;
}

/** After a deletion others will follow: collect once for all. */
const SOON_MS = 5000;
const EVERY_MS = 3_600_000;

export class Collector implements AsyncDisposable {
  readonly #options: CollectorOptions;
  #soon: NodeJS.Timeout | undefined;
  #regular: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** From now on it runs by itself. */
  start(): void {
    this.#regular ??= setInterval(() => void this.run(), EVERY_MS).unref();
    this.soon();
  }

  /** Something was deleted. */
  soon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.run();
    }, SOON_MS).unref();
  }

  /** Collects now, after a collection that is under way. A failure is logged; the next run tries again. */
  async run(): Promise<void> {
    this.#running = this.#running.then(() => this.#collect());
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#regular);
    clearTimeout(this.#soon);
    await this.#running;
  }

  async #collect(): Promise<void> {
    const { content, repositories, uploads, log } = this.#options;
    try {
      await uploads.purge();
      for (const name of repositories.names()) this.#prune(name);
      const { removed, freedBytes } = await content.collect(repositories.roots());
      if (removed.length > 0) log.info('collected', { blobs: removed.length, freed: formatBytes(freedBytes) });
    } catch (error) {
      log.error('collecting failed; it is tried again', { error: causeChain(error) });
    }
  }

  /** Drops what has been in a repository for longer than it may. */
  #prune(name: string): void {
    const { repositories, graceMs, ttlMs, removeUntagged, nowMs } = this.#options;
    const now = nowMs();
    const isOlder = (thenMs: number, ms: number): boolean => ms > 0 && thenMs < now - ms;
    for (const { digest, pushedAtMs } of repositories.manifests(name)) {
      if (isOlder(pushedAtMs, ttlMs)) repositories.removeManifest(name, digest);
    }
    if (removeUntagged) this.#pruneUntagged(name, now - graceMs);
    const wanted = new Set(repositories.manifests(name).flatMap(({ references }) => references));
    const loose = [...repositories.blobs(name)]
      .filter(([digest, addedAtMs]) => (!wanted.has(digest) && addedAtMs < now - graceMs) || isOlder(addedAtMs, ttlMs))
      .map(([digest]) => digest);
    if (loose.length > 0) repositories.removeBlobs(name, loose);
  }

  /** A manifest is wanted with a tag, as part of a wanted index, or as a referrer of a wanted subject. */
  #pruneUntagged(name: string, beforeMs: number): void {
    const { repositories } = this.#options;
    const all = repositories.manifests(name);
    const wanted = new Set<Digest>();
    const waiting = [...repositories.tagged(name)];
    for (const { digest, pushedAtMs } of all) if (pushedAtMs >= beforeMs) waiting.push(digest);
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (wanted.has(next)) continue;
      wanted.add(next);
      waiting.push(...(repositories.manifest(name, next)?.references ?? []));
      waiting.push(...repositories.referrers(name, next).map(({ digest }) => digest));
    }
    for (const { digest } of all) if (!wanted.has(digest)) repositories.removeManifest(name, digest);
  }
}
