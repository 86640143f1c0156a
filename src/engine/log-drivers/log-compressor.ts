/**
 * Compresses old log files, one at a time, beside everything else: the shim only tells that there is another, and puts the
 * result in its place, for nobody else renames files of a log that is being written. Of a container that does not run the
 * daemon does it itself.
 *
 * What a killed daemon leaves is a file `LOG.gz-…`, which the next look removes, and an old file that is still as it was.
 */
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { causeChain, KeyedMutex, type Log } from '#base';
import type { LogPlace } from '../log-files.ts';
import { compressLog } from './compressed-log.ts';

export interface LogCompressorOptions {
  readonly log: Log;
  /** Where its log is; undefined when its old files stay as they are. */
  placeOf(id: string): LogPlace | undefined;
  /** Of a container that runs: see RunningProcess.putCompressedLog. */
  processOf(id: string): { putCompressedLog(inode: bigint, nonce: number): Promise<void> } | undefined;
}

interface Job {
  readonly stop: AbortController;
  /** Another look was asked for meanwhile. */
  again: boolean;
  /** Fulfilled when nothing is written to its folder. */
  writing: Promise<unknown>;
  done: Promise<void>;
}

export class LogCompressor implements AsyncDisposable {
  readonly #options: LogCompressorOptions;
  readonly #jobs = new Map<string, Job>();
  /** Their shims are about to begin, or are no longer known to have ended. */
  readonly #held = new Set<string>();
  readonly #turns = new KeyedMutex();

  constructor(options: LogCompressorOptions) {
    this.#options = options;
  }

  /** Compresses what is there to be, in the background. */
  look(id: string): void {
    if (this.#held.has(id) || this.#options.placeOf(id) === undefined) return;
    const running = this.#jobs.get(id);
    if (running) {
      running.again = true;
      return;
    }
    const job: Job = {
      stop: new AbortController(),
      again: true,
      writing: Promise.resolve(),
      done: Promise.resolve(),
    };
    this.#jobs.set(id, job);
    job.done = this.#run(id, job).catch((error: unknown) => {
      if (job.stop.signal.aborted) return;
      this.#options.log.warn('old log files stay as they are', { container: id, error: causeChain(error) });
    });
    void job.done.then(() => {
      if (this.#jobs.get(id) === job) this.#jobs.delete(id);
    });
  }

  /** Touches none of its files until disposed, for another process begins to write its log; then looks again. */
  hold(id: string): Disposable {
    this.#stop(id);
    this.#held.add(id);
    return {
      [Symbol.dispose]: () => {
        this.#held.delete(id);
        this.look(id);
      },
    };
  }

  /** Leaves its folder alone from now on. */
  async forget(id: string): Promise<void> {
    await this.#stop(id)?.writing.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#jobs].map(([id, { done }]) => (this.#stop(id), done)));
  }

  #stop(id: string): Job | undefined {
    const job = this.#jobs.get(id);
    job?.stop.abort(new Error('no longer wanted'));
    this.#jobs.delete(id);
    return job;
  }

  async #run(id: string, job: Job): Promise<void> {
    const { signal } = job.stop;
    let failure: unknown;
    while (job.again && !signal.aborted) {
      job.again = false;
      failure = undefined;
      const place = this.#options.placeOf(id);
      if (!place) return;
      removeLeftovers(place);
      const tried = new Set<string>();
      for (let old = oldest(place, tried); old && !signal.aborted; old = oldest(place, tried)) {
        const { inode, key, path } = old;
        tried.add(key);
        try {
          await this.#turns.run('', () => this.#compress(id, place, path, job));
        } catch (error) {
          // Dropped by a rotation meanwhile; or its shim has ended, after which there is another look.
          if (isThere(place, inode)) failure = error;
        }
      }
    }
    if (failure !== undefined) throw failure;
  }

  async #compress(id: string, place: LogPlace, path: string, job: Job): Promise<void> {
    const { signal } = job.stop;
    if (signal.aborted) return;
    const nonce = Math.floor(Math.random() * 2 ** 31);
    const fresh = `${place.path}.gz-${nonce}`;
    await using file = await open(path, 'r');
    try {
      const writing = compressLog(file, fresh, signal);
      job.writing = writing;
      const { inode } = await writing;
      const process = this.#options.processOf(id);
      if (process) await process.putCompressedLog(inode, nonce);
      else if (!signal.aborted) putInPlace(place, inode, fresh);
    } finally {
      rmSync(fresh, { force: true });
    }
  }
}

interface OldFile {
  readonly path: string;
  readonly inode: bigint;
  /** With its time: the inode of a file that has gone is soon given to another. */
  readonly key: string;
}

/** The highest number there is without gzip, but those that have been tried. */
function oldest(place: LogPlace, tried: ReadonlySet<string>): OldFile | undefined {
  for (const path of oldFilesOf(place)) {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    const key = found && `${found.ino} ${found.mtimeNs}`;
    if (key !== undefined && !tried.has(key)) return { path, inode: found!.ino, key };
  }
  return undefined;
}

const isThere = (place: LogPlace, inode: bigint): boolean =>
  oldFilesOf(place).some((path) => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino === inode);

/** In one go: nobody else renames meanwhile. */
function putInPlace(place: LogPlace, inode: bigint, fresh: string): void {
  for (const path of oldFilesOf(place)) {
    if (statSync(path, { bigint: true, throwIfNoEntry: false })?.ino !== inode) continue;
    renameSync(fresh, `${path}.gz`);
    rmSync(path);
    return;
  }
}

/** Those without gzip, the oldest first. By what there is: there may be room for a million. */
function oldFilesOf({ path, maxFiles }: LogPlace): string[] {
  const prefix = `${basename(path)}.`;
  return namesBeside(path)
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .filter((number) => number > 0 && number < maxFiles)
    .sort((a, b) => b - a)
    .map((number) => `${path}.${number}`);
}

function removeLeftovers({ path }: LogPlace): void {
  for (const name of namesBeside(path)) {
    if (name.startsWith(`${basename(path)}.gz-`)) rmSync(`${dirname(path)}/${name}`, { force: true });
  }
}

function namesBeside(path: string): string[] {
  const folder = dirname(path);
  return existsSync(folder) ? readdirSync(folder) : [];
}
