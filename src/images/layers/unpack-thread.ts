/** One worker thread as its starter sees it: takes one job at a time, passes on its end, and leaves when idle. */
import { Worker } from 'node:worker_threads';
import { because, type Digest, messageOf, SkiffError, workerEntry } from '#base';
import { errors } from '../errors.ts';
import type { IdMap } from './id-map.ts';
import type { LayerForm, UnpackedLayer } from './unpack-archive.ts';
import type { WorkerFailure, WorkerReply, WorkerRequest } from './worker-messages.ts';

export interface UnpackRequest {
  /** A file: a tar, plain or compressed with gzip or zstd. */
  readonly blob: string;
  /** Existing and empty. */
  readonly folder: string;
  readonly idMap?: IdMap;
  /** What the blob's bytes were found to be just now: the DiffID of a plain one, which is not hashed once more. */
  readonly verifiedDigest?: Digest;
  /** Called now and then with the bytes of the blob that have been read so far. */
  readonly onProgress?: (blobBytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface UnpackThreadOptions {
  readonly helperProgram: string;
  readonly form: LayerForm;
  /** Milliseconds it waits for another job. */
  readonly idleMs: number;
  /** It takes no more jobs. */
  readonly onEnd: () => void;
}

export class UnpackThread {
  readonly #options: UnpackThreadOptions;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #job: { readonly reply: (reply: WorkerReply) => void; readonly fail: (error: Error) => void } | undefined;
  /** Fulfilled when the job there is has ended. */
  #settled: Promise<unknown> = Promise.resolve();
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: UnpackThreadOptions) {
    this.#options = options;
    // Flags of this process, such as the program it was given to evaluate, are not for the thread.
    this.#worker = new Worker(workerEntry(import.meta.url, 'unpack-worker'), {
      name: 'unpack',
      execArgv: [],
      // What it makes is short-lived and bounded; more room for it only makes the daemon larger.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    let failure: unknown;
    this.#worker.on('message', (reply: WorkerReply) => this.#job?.reply(reply));
    this.#worker.on('error', (error) => {
      failure = error;
    });
    this.#worker.once('exit', (code) => {
      options.onEnd();
      const what = failure === undefined ? `its thread ended with code ${code}` : messageOf(failure);
      this.#job?.fail(because(errors.unpack(what), failure));
      resolve();
    });
  }

  get isBusy(): boolean {
    return this.#job !== undefined;
  }

  run(request: UnpackRequest): Promise<UnpackedLayer> {
    const { blob, folder, idMap, verifiedDigest, onProgress, signal } = request;
    clearTimeout(this.#idleTimer);
    this.#worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<UnpackedLayer>();
    this.#job = {
      fail: reject,
      reply: (reply) => {
        if (reply.type === 'progress') onProgress?.(reply.blobBytes);
        else if (reply.type === 'done') resolve(reply.layer);
        else reject(errorOf(reply.failure));
      },
    };
    const abort = (): void => this.#say({ type: 'abort' });
    signal?.addEventListener('abort', abort);
    const settled = promise.finally(() => {
      signal?.removeEventListener('abort', abort);
      this.#job = undefined;
      this.#rest();
    });
    this.#settled = settled.catch(() => {});
    const { helperProgram, form } = this.#options;
    const wantsProgress = onProgress !== undefined;
    this.#say({ type: 'unpack', blob, folder, helperProgram, idMap, verifiedDigest, form, wantsProgress });
    return settled;
  }

  /** Cancels the job there is, waits until its helper is gone, and ends the thread. */
  async end(): Promise<void> {
    this.#options.onEnd();
    if (this.#job) this.#say({ type: 'abort' });
    await this.#settled;
    clearTimeout(this.#idleTimer);
    await this.#worker.terminate();
    await this.#exited;
  }

  #say(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }

  /** An idle thread keeps no process alive, and its memory not for long. */
  #rest(): void {
    this.#worker.unref();
    this.#idleTimer = setTimeout(() => void this.end(), this.#options.idleMs).unref();
  }
}

/** The same error on this side. */
function errorOf({ kind, code, message, cause }: WorkerFailure): Error {
  return new SkiffError(kind, code, message, cause === undefined ? {} : { cause: new Error(cause) });
}
