/**
 * Builds their client has given a name (`buildid`): to be ended by it (`POST /build/cancel`), and to bring the files of a build
 * in a request of their own (`remote=upload-request`), which may come before the build or after.
 */
import { once } from 'node:events';
import { SkiffError } from '#base';
import type { Incoming } from '#rpc';

interface Upload {
  readonly body: Incoming;
  readonly taken: () => void;
}

/** compat: what the name of the build is put behind in the request that brings its files. */
const UPLOAD = 'upload-request:';

export class BuildsUnderWay {
  readonly #builds = new Map<string, AbortController>();
  readonly #uploads = new Map<string, PromiseWithResolvers<Upload>>();

  /** compat: one that has the same name is ended. '' is no name. Disposed when the build is over. */
  begin(id: string): Disposable & { readonly signal: AbortSignal } {
    this.cancel(id);
    const build = new AbortController();
    if (id !== '') this.#builds.set(id, build);
    return {
      signal: build.signal,
      [Symbol.dispose]: () => {
        if (this.#builds.get(id) === build) this.#builds.delete(id);
      },
    };
  }

  /** compat: one that nobody knows may just have ended. */
  cancel(id: string): void {
    this.#builds.get(id)?.abort(new SkiffError('unavailable', 'api.cancelled', 'context canceled'));
    this.#builds.delete(id);
  }

  /** The build whose files the request with this id brings; undefined for a request that is the build itself. */
  uploadOf(id: string): string | undefined {
    return id.startsWith(UPLOAD) ? id.slice(UPLOAD.length) : undefined;
  }

  /** Resolves when the build has read the files. Rejects when the client of either goes. */
  async upload(id: string, body: Incoming, signal: AbortSignal): Promise<void> {
    const { promise: taken, resolve } = Promise.withResolvers<void>();
    this.#meeting(id).resolve({ body, taken: resolve });
    await this.#whileHere(id, taken, signal);
  }

  /** The files another request brings. Disposed when they have been read. */
  async uploaded(id: string, signal: AbortSignal): Promise<Disposable & { readonly body: Incoming }> {
    const { body, taken } = await this.#whileHere(id, this.#meeting(id).promise, signal);
    return { body, [Symbol.dispose]: taken };
  }

  #meeting(id: string): PromiseWithResolvers<Upload> {
    return this.#uploads.getOrInsertComputed(id, () => Promise.withResolvers<Upload>());
  }

  /** Whoever of the two leaves first takes the meeting along. */
  async #whileHere<Result>(id: string, awaited: Promise<Result>, signal: AbortSignal): Promise<Result> {
    const over = new AbortController();
    const left = signal.aborted ? Promise.resolve() : once(signal, 'abort', { signal: over.signal });
    const leaving = left.then(() => Promise.reject(signal.reason as Error));
    leaving.catch(() => {});
    try {
      return await Promise.race([awaited, leaving]);
    } finally {
      over.abort();
      this.#uploads.delete(id);
    }
  }
}
