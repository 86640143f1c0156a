/** The builder: runs graphs, makes images of them, keeps and prunes the cache. */
import { rmSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { KeyedMutex, Log, RecordStores } from '#base';
import type { BuildLayers, Images, LayerKey } from '#images';
import type { HostFacts } from '#linux';
import type { Networks } from '#network';
import type { ContainerRuntime, SeccompWish } from '#runtime';
import type { BuildOutcome, BuildResult, BuildWork } from './build-work.ts';
import { BuildCache } from './cache/build-cache.ts';
import { CacheMounts } from './cache/cache-mounts.ts';
import { type CacheUsage, collectCache, type Pruned, pruneCache, type PruneRequest, usageOf } from './cache/prune.ts';
import { imageCache } from './cache-transfer/image-cache.ts';
import { registryCache, type RegistryCacheOptions } from './cache-transfer/registry-cache.ts';
import { exportAll } from './export/export-all.ts';
import { checkExports } from './export/export.ts';
import type { ImportedCache } from './export/export-wish.ts';
import { receiveContext } from './files/context.ts';
import type { LocalContext } from './files/context-index.ts';
import { type ClientFolder, openFolderContext } from './files/folder-context.ts';
import { KnownFiles } from './files/known-files.ts';
import { BuildHistory } from './history/build-history.ts';
import type { BuildOptions, BuildParts } from './parts.ts';
import type { BuildGraph, StepId } from './graph.ts';
import { FailedSteps } from './run/failed-steps.ts';
import { type OpenedStep, openedStep } from './solve/opened-step.ts';
import { emptySnapshot } from './solve/result.ts';
import { solve, type Solved } from './solve/solver.ts';
import type { SolveRequest } from './solve/solving.ts';

export interface BuilderDeps {
  readonly options: BuildOptions;
  readonly records: RecordStores;
  readonly images: Images;
  readonly layers: BuildLayers;
  readonly runtime: ContainerRuntime;
  readonly networks: Networks;
  readonly facts: HostFacts;
  readonly locks: KeyedMutex;
  readonly log: Log;
  readonly seccomp: () => SeccompWish;
}

export class Builder {
  readonly #parts: BuildParts;
  readonly #incoming: string;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #knownFiles = new KnownFiles();
  /** Of builds whose client wants to look at what failed. */
  readonly failed: FailedSteps;
  /** Builds that are over, as far as their doors add them. */
  readonly history: BuildHistory;

  constructor(deps: BuilderDeps) {
    const { options, records } = deps;
    this.#incoming = `${options.dataRoot}/build/incoming`;
    // Nothing in it outlives who made it.
    rmSync(this.#incoming, { recursive: true, force: true });
    this.#parts = {
      ...deps,
      cache: new BuildCache(records),
      cacheMounts: new CacheMounts(options.dataRoot, records),
    };
    this.failed = new FailedSteps(this.#parts);
    this.history = new BuildHistory(options.dataRoot, records);
  }

  /** Compares records with what is there. Before the first build; steps of a killed daemon are gone by then. */
  async restore(): Promise<void> {
    // Layers that are gone, after a power cut perhaps, take their records along.
    const { cache, layers } = this.#parts;
    for (const { id, layers: keys } of cache.list()) if (!keys.every((key) => layers.get(key))) cache.remove(id);
    await collectCache(this.#parts, this.#parts.options.cacheBudgetBytes());
  }

  /** Layers the cache wants kept. */
  wantedLayers(): Set<LayerKey> {
    return new Set(this.#parts.cache.list().flatMap(({ layers }) => layers));
  }

  /** Reads a cache that a registry has. Throws `registry.*` and `build.badCache`. */
  registryCache(name: string, options: RegistryCacheOptions): Promise<ImportedCache> {
    return registryCache(this.#parts.layers.registry, name, options);
  }

  /** Reads the cache in an image that is here. Throws `build.notFound` and `build.badCache`. */
  imageCache(name: string, signal: AbortSignal): Promise<ImportedCache> {
    return imageCache(this.#parts, name, signal);
  }

  /** A build context as a tar. */
  receive(archive: Readable, signal: AbortSignal): Promise<LocalContext> {
    return receiveContext(archive, { folder: this.#incoming, signal });
  }

  /**
   * A build context that stays with the client; `key` is the client's name for it. The folder is closed with the context, or
   * when it throws.
   */
  async openFolder(client: ClientFolder, key: string, signal: AbortSignal): Promise<LocalContext> {
    await using undo = new AsyncDisposableStack();
    undo.defer(() => client.close());
    const known = this.#knownFiles.folder(key, client.askedNs);
    const context = await openFolderContext(client, { folder: this.#incoming, known, signal });
    undo.move();
    return context;
  }

  /** Runs a graph and exports what it gives. When it throws, only whole results of the cache stay, and exports before it. */
  async build(work: BuildWork): Promise<BuildOutcome> {
    const signal = AbortSignal.any([work.signal, this.#closing.signal]);
    const running = this.#build({ ...work, signal });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /**
   * The files of one step, and of those before it, without making an image; until it is disposed they stay. Throws as
   * `build`.
   */
  async openStep(request: Omit<SolveRequest, 'wanted'>, step: StepId): Promise<OpenedStep> {
    const signal = AbortSignal.any([request.signal, this.#closing.signal]);
    const solving = solve(this.#parts, { ...request, signal, wanted: [step] });
    this.#running.add(solving);
    try {
      const solved = await solving;
      return openedStep(this.#parts, solved, step);
    } finally {
      this.#running.delete(solving);
    }
  }

  /** Ends all builds, and waits for their end. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
    await this.failed.close();
  }

  async #build(work: BuildWork): Promise<BuildOutcome> {
    const { provenance, sbom } = work.attest?.wish ?? {};
    const hasAttestations = sbom !== undefined || provenance?.isInlineOnly === false;
    checkExports(work.exports, { isList: work.isList ?? false, hasAttestations });
    try {
      await using solved = await solve(this.#parts, work);
      await work.beforeExport?.(resultsOf(work.graph, solved));
      const outcome = await exportAll(this.#parts, solved, work);
      // Blobs that were made for elsewhere, or came from there.
      const { exports, cacheExports = [], imported = [] } = work;
      const isPlain = exports.every((wish) => wish.kind === 'store' && wish.form.annotations.length === 0);
      const hasBlobs = !isPlain || work.isList === true || hasAttestations || cacheExports.length + imported.length > 0;
      if (hasBlobs) await this.#parts.layers.collect();
      return outcome;
    } catch (error) {
      // Archives of layers that became no image.
      await this.#parts.layers.collect();
      throw error;
    } finally {
      this.#parts.cache.flush();
      await collectCache(this.#parts, this.#parts.options.cacheBudgetBytes());
    }
  }

  prune(request: PruneRequest): Promise<Pruned> {
    return pruneCache(this.#parts, request);
  }

  usage(): CacheUsage[] {
    return usageOf(this.#parts);
  }
}

function resultsOf({ outputs }: BuildGraph, solved: Solved): BuildResult[] {
  return outputs.map(({ root, ...facts }) => {
    const result = root === undefined ? emptySnapshot : solved.resultOf(root);
    // What the client gave is no root file system: exports refuse it, too.
    return { ...facts, snapshot: result?.kind === 'snapshot' ? result : emptySnapshot };
  });
}
