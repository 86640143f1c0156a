/**
 * Unpacks layers in worker threads, several at once: the entry to this folder.
 *
 * The story of a layer, from blob to stack. `LayerStore.begin` gives an empty folder; `unpack` fills it from the blob, on
 * a thread of its own, while hashing what the archive holds: the result names the DiffID, which the caller compares with
 * the image's config. An archive that leaves folders undescribed, or links to files of layers below, is completed by
 * `settleLayer` from the folders below it; such a layer belongs to its stack and is committed with the ChainID, any other
 * with the DiffID alone, and serves every stack. `PendingLayer.commit` gives it its name and record; its data comes to the
 * disk with the next delayed sync. `packLayer` is the way back.
 *
 * Threads are started when there is work and ended when there has been none for a while.
 */
import { availableParallelism } from 'node:os';
import { because, messageOf } from '#base';
import { errors } from '../errors.ts';
import type { LayerForm, UnpackedLayer } from './unpack-archive.ts';
import { type UnpackRequest, UnpackThread, type UnpackThreadOptions } from './unpack-thread.ts';

export type { HardLink } from './layer-sink.ts';
export type { LayerForm, UnpackedLayer } from './unpack-archive.ts';
export type { UnpackRequest } from './unpack-thread.ts';

export interface LayerUnpacker extends AsyncDisposable {
  /**
   * Fills the folder. What is more than the threads can do waits its turn. When it rejects nothing writes into the
   * folder any more. Throws `tar.*`, `image.forbiddenEntry`, `image.badCompression`, `image.unpack`, `image.cancelled`.
   */
  unpack(request: UnpackRequest): Promise<UnpackedLayer>;
}

export interface LayerUnpackerOptions {
  readonly helperProgram: string;
  /** What the snapshots want (snapshots.ts); `overlay` if not said. */
  readonly form?: LayerForm;
  /** Layers that are unpacked at the same time; as many as there are processors, but at most 4. */
  readonly threads?: number;
  /** Milliseconds an idle thread is kept. */
  readonly idleMs?: number;
}

const MAX_THREADS = 4;
const IDLE_MS = 1000;

/** Starts nothing yet. Disposing it cancels what is going on and ends the threads. `start`: what makes a thread. */
export function openLayerUnpacker(
  options: LayerUnpackerOptions,
  start = (thread: UnpackThreadOptions): UnpackThread => new UnpackThread(thread),
): LayerUnpacker {
  return new WorkerPool(options, start);
}

interface Job {
  readonly request: UnpackRequest;
  readonly resolve: (layer: UnpackedLayer) => void;
  readonly reject: (error: Error) => void;
}

class WorkerPool implements LayerUnpacker {
  readonly #options: LayerUnpackerOptions;
  readonly #start: (options: UnpackThreadOptions) => UnpackThread;
  readonly #maxThreads: number;
  readonly #waiting: Job[] = [];
  readonly #threads = new Set<UnpackThread>();
  #isClosed = false;

  constructor(options: LayerUnpackerOptions, start: (options: UnpackThreadOptions) => UnpackThread) {
    this.#options = options;
    this.#start = start;
    this.#maxThreads = options.threads ?? Math.min(availableParallelism(), MAX_THREADS);
  }

  unpack(request: UnpackRequest): Promise<UnpackedLayer> {
    const { promise, resolve, reject } = Promise.withResolvers<UnpackedLayer>();
    const job: Job = { request, resolve, reject };
    const { signal } = request;
    if (this.#isClosed || signal?.aborted === true) return Promise.reject(errors.cancelled());
    const drop = (): void => {
      const at = this.#waiting.indexOf(job);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      reject(errors.cancelled());
    };
    signal?.addEventListener('abort', drop);
    this.#waiting.push(job);
    this.#next();
    return promise.finally(() => signal?.removeEventListener('abort', drop));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(errors.cancelled());
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#threadFor(this.#waiting[0]!);
      if (!thread) return;
      const job = this.#waiting.shift()!;
      if (thread === 'failed') continue;
      void thread
        .run(job.request)
        .then(job.resolve, job.reject)
        .then(() => this.#next());
    }
  }

  /** What keeps a thread from starting, too few of them for instance, is told the job, which fails. */
  #threadFor({ reject }: Job): UnpackThread | 'failed' | undefined {
    try {
      return this.#freeThread();
    } catch (error) {
      reject(because(errors.unpack(messageOf(error)), error));
      return 'failed';
    }
  }

  #freeThread(): UnpackThread | undefined {
    const idle = [...this.#threads].find(({ isBusy }) => !isBusy);
    if (idle || this.#threads.size >= this.#maxThreads) return idle;
    const { helperProgram, form = 'overlay', idleMs = IDLE_MS } = this.#options;
    const thread = this.#start({ helperProgram, form, idleMs, onEnd: () => this.#threads.delete(thread) });
    this.#threads.add(thread);
    return thread;
  }
}
