/**
 * Layers on their way into targets: so many at a time, each only once, whoever wants it.
 *
 * Who comes second watches the first. When the first gives up, a watcher goes on by itself behind the bytes that are
 * there: with its own credentials, its own lease and its own patience.
 */
import { because, type Digest, messageOf, SkiffError } from '#base';
import type { Descriptor } from '#specs';
import { errors } from '../errors.ts';
import type { BlobLease, BlobTarget } from './blob-target.ts';
import { download } from './blobs.ts';
import type { RegistryConfig } from './config.ts';
import type { Connections } from './connections.ts';
import type { PullProgress } from './registry-client.ts';
import type { Repository } from './repository.ts';
import { Slots } from './slots.ts';

export interface LayerRequest {
  readonly repository: Repository;
  readonly target: BlobTarget;
  readonly lease: BlobLease;
  readonly layer: Descriptor;
  readonly tell: (progress: PullProgress) => void;
}

interface Running {
  readonly listeners: Set<(progress: PullProgress) => void>;
  readonly ended: Promise<void>;
}

const PROGRESS_MS = 100;

export class LayerDownloads {
  readonly #config: RegistryConfig;
  readonly #connections: Connections;
  readonly #slots: Slots;
  readonly #running = new WeakMap<BlobTarget, Map<Digest, Running>>();

  constructor(config: RegistryConfig, connections: Connections) {
    this.#config = config;
    this.#connections = connections;
    this.#slots = new Slots(config.maxConcurrentDownloads);
  }

  resize(count: number): void {
    this.#slots.resize(count);
  }

  /** The layer is in the target, held by the lease, when this returns. Throws why it cannot be had. */
  async fetch(request: LayerRequest): Promise<void> {
    const { target, lease, layer, repository, tell } = request;
    const running = this.#running.get(target) ?? new Map<Digest, Running>();
    this.#running.set(target, running);
    for (let hasWatched = false; ; hasWatched = true) {
      repository.signal?.throwIfAborted();
      // Held before it is looked for: what is seen then stays.
      lease.hold(layer.digest);
      if (target.stat(layer.digest)) {
        if (!hasWatched) tell({ kind: 'already-exists', digest: layer.digest });
        return;
      }
      const other = running.get(layer.digest);
      if (!other) {
        await this.#run(request, running);
        return;
      }
      await watch(other, tell, repository.signal);
    }
  }

  async #run(request: LayerRequest, running: Map<Digest, Running>): Promise<void> {
    const { digest } = request.layer;
    const listeners = new Set([request.tell]);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    running.set(digest, { listeners, ended });
    try {
      await this.#transfer({
        ...request,
        tell: (progress) => {
          for (const listener of listeners) listener(progress);
        },
      });
    } finally {
      running.delete(digest);
      end();
    }
  }

  async #transfer(request: LayerRequest): Promise<void> {
    const { layer, tell, repository } = request;
    const { digest } = layer;
    if (this.#slots.full) tell({ kind: 'waiting', digest });
    using _slot = await this.#slots.take(repository.signal);
    try {
      await this.#ingest(request);
    } catch (error) {
      if (!isDamage(error)) throw error;
      // What an earlier try or a mirror left may have been wrong; the registry itself gets one chance to be right.
      try {
        await this.#ingest({ ...request, repository: repository.withoutMirrors() });
      } catch (again) {
        throw isDamage(again) ? because(errors.layerDamaged(digest), again) : again;
      }
    }
    tell({ kind: 'download-complete', digest });
  }

  async #ingest({ repository, target, lease, layer, tell }: LayerRequest): Promise<void> {
    const { digest, size } = layer;
    const { signal } = repository;
    await using ingest = await target.ingest(digest, { lease, digest, sizeBytes: size, ...(signal ? { signal } : {}) });
    let toldAt = -Infinity;
    await download(ingest, {
      repository,
      connections: this.#connections,
      config: this.#config,
      layer,
      onBytes: (current) => {
        const now = performance.now();
        if (now - toldAt < PROGRESS_MS && current < size) return;
        toldAt = now;
        tell({ kind: 'downloading', digest, current, total: size });
      },
      onRetry: (inMs, error) =>
        tell({ kind: 'retrying', digest, inSeconds: Math.ceil(inMs / 1000), reason: messageOf(error) }),
    });
    tell({ kind: 'verifying', digest });
    await ingest.commit();
  }
}

/** Whether a target refused bytes because they are not those of the digest. */
function isDamage(error: unknown): boolean {
  return error instanceof SkiffError && /\.wrong(?:Digest|Size)$/.test(error.code);
}

/** Until it has ended, well or not. Throws the signal's reason. */
async function watch(
  { listeners, ended }: Running,
  tell: (progress: PullProgress) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  listeners.add(tell);
  const { promise: gone, reject } = Promise.withResolvers<never>();
  const leave = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', leave, { once: true });
  try {
    await Promise.race([ended, gone]);
  } finally {
    signal?.removeEventListener('abort', leave);
    listeners.delete(tell);
  }
}
