/** A step's result: the cache's, found by what the step does and what it reads, or one made now and recorded. */
import { randomUUID } from 'node:crypto';
import { causeChain, type Digest } from '#base';
import type { BuiltLayer, LayerKey } from '#images';
import { cutTimes } from '#linux';
import type { CacheEntry } from '../cache/build-cache.ts';
import { firstOf } from '../cache-transfer/import-cache.ts';
import { errors } from '../errors.ts';
import { type SourceTree, stackTree } from '../files/source-tree.ts';
import type { Step, StepId } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import type { StepSource } from '../run/request.ts';
import { stepKey } from './keys.ts';
import type { Snapshot } from './result.ts';
import type { Solving } from './solving.ts';

/** A tree a key depends on. */
export interface KeySource {
  readonly step: StepId;
  /** Which part of it. */
  readonly place: string;
  /** Of the content of that part. */
  readonly digest: (tree: SourceTree) => Promise<string>;
}

export interface Making {
  readonly id: StepId;
  readonly step: Step;
  readonly root: Snapshot;
  readonly definition: unknown;
  readonly sources: readonly KeySource[];
  readonly kind?: CacheEntry['kind'];
  /** Of a source, when it says it was made. */
  readonly make: (layer: BuiltLayer, trees: Trees) => Promise<SourceTime | void>;
}

export interface SourceTime {
  readonly timeNs: bigint;
}

/** The cache's result, or one made now. */
export async function cached(parts: BuildParts, solving: Solving, asked: Making): Promise<Snapshot> {
  const { cache, locks } = parts;
  const { epochNs } = solving;
  // A layer has one archive: one with times that are cut is a layer of its own.
  const making = epochNs === undefined ? asked : { ...asked, definition: [asked.definition, String(epochNs)] };
  const { definition, root, sources, step } = making;
  await using trees = new Trees(parts, solving);
  const byPlace = stepKeyOf(making, await Promise.all(sources.map((each) => trees.identityOf(each))));
  const quick = step.ignoresCache || byPlace === undefined ? undefined : cache.find(byPlace);
  const found = (quick && taken(parts, solving, making.id, quick)) ?? (await imported(parts, solving, making, byPlace));
  if (found) return found;
  const contents: string[] = [];
  for (const source of sources) contents.push(await source.digest((await trees.sourceOf(source.step)).tree));
  const key = stepKey({ definition, root: root.identity, sources: contents });
  const look = (): Snapshot | undefined => {
    const entry = step.ignoresCache ? undefined : cache.find(key);
    if (entry && byPlace) cache.alias(entry, byPlace);
    return entry && taken(parts, solving, making.id, entry);
  };
  // The same step of another build, or of another stage, is waited for.
  const one = step.ignoresCache ? `step ${randomUUID()}` : `step ${key}`;
  let hasBegun = false;
  const result = locks.run(one, async () => {
    hasBegun = true;
    if (solving.signal.aborted) throw errors.cancelled();
    const keys: Keys = byPlace === undefined || byPlace === key ? [key] : [key, byPlace];
    return (
      look() ??
      (await imported(parts, solving, making, key)) ??
      (await solving.slots.run(solving.signal, () => made(parts, solving, making, trees, keys)))
    );
  });
  return await untilAborted(result, solving.signal, () => !hasBegun);
}

/** The key by content first. */
type Keys = readonly [Digest, ...Digest[]];

function stepKeyOf({ definition, root }: Making, sources: readonly (string | undefined)[]): Digest | undefined {
  const known = sources.filter((each) => each !== undefined);
  return known.length < sources.length ? undefined : stepKey({ definition, root: root.identity, sources: known });
}

/** An entry whose layers are all there, held from now on; any other is forgotten. */
function taken(
  { cache, layers }: Pick<BuildParts, 'cache' | 'layers'>,
  solving: Solving,
  id: StepId,
  entry: CacheEntry,
): Snapshot | undefined {
  const held = layers.hold(entry.layers);
  if (!held) {
    cache.remove(entry.id);
    return undefined;
  }
  solving.held.use(held);
  solving.held.use(cache.use(entry));
  solving.entries.set(id, entry.id);
  solving.tell({ type: 'cached', step: id });
  return snapshotOf(entry);
}

function snapshotOf({ identity, layers, sourceTimeNs }: CacheEntry): Snapshot {
  const dated = sourceTimeNs === undefined ? {} : { timeNs: BigInt(sourceTimeNs) };
  return { kind: 'snapshot', identity, layers, ...dated };
}

/** A result that was kept elsewhere: its layers come here, and the cache has it from now on. */
async function imported(
  { cache, layers, log }: BuildParts,
  solving: Solving,
  { id, step, kind = 'regular' }: Making,
  key: Digest | undefined,
): Promise<Snapshot | undefined> {
  const { imported: caches = [], signal, tell } = solving;
  const result = key === undefined || step.ignoresCache ? undefined : firstOf(caches, [key]);
  if (key === undefined || !result) return undefined;
  tell({ type: 'started', step: id });
  try {
    using restored = await layers.restore({ layers: result.layers, fetch: result.fetch, signal });
    const { keys } = restored;
    const own = keys.slice(-1);
    const entry = cache.add({
      keys: [key],
      identity: result.identity,
      layers: keys,
      own,
      kind,
      description: step.name,
    });
    for (const each of own) behind(solving, layers.measure(each));
    return taken({ cache, layers }, solving, id, entry);
  } catch (error) {
    if (signal.aborted) throw errors.cancelled();
    // compat: a cache that cannot be read is no reason not to build.
    log.warn('a result of an imported cache cannot be had: the step is run', {
      step: step.name,
      error: causeChain(error),
    });
    return undefined;
  }
}

async function made(parts: BuildParts, solving: Solving, making: Making, trees: Trees, keys: Keys): Promise<Snapshot> {
  const { cache, layers } = parts;
  const { id, step, root, make, kind = 'regular' } = making;
  solving.tell({ type: 'started', step: id });
  await using layer = layers.begin(root.layers);
  const source = await make(layer, trees);
  if (solving.signal.aborted) throw errors.cancelled();
  // Containers here see the same times as those elsewhere, who have the archive.
  if (solving.epochNs !== undefined) await cutTimes(layer.folder, Number(solving.epochNs / 1_000_000_000n));
  const { key } = await layer.commit();
  const all: LayerKey[] = [...root.layers, key];
  // What was made again although the cache had it may differ: steps after it have to see that.
  const isAgain = step.ignoresCache && cache.find(keys[0]) !== undefined;
  const identity = isAgain ? `${keys[0]}@${randomUUID()}` : keys[0];
  const dated = source ? { sourceTimeNs: String(source.timeNs) } : {};
  const entry = cache.add({ keys, identity, layers: all, own: [key], kind, description: step.name, ...dated });
  const held = layers.hold(all);
  if (!held) throw errors.notFound(key);
  solving.held.use(held);
  solving.held.use(cache.use(entry));
  solving.entries.set(id, entry.id);
  behind(solving, layers.measure(key));
  if (solving.exported.has(id)) behind(solving, solving.archives.add(key));
  return snapshotOf(entry);
}

/** Work that nobody waits for yet: it may fail before anybody does, when the build is cancelled for instance. */
function behind({ background }: Solving, work: Promise<unknown>): void {
  work.catch(() => {});
  background.push(work);
}

/** Trees of other steps for the use of one: each opened once, closed with it. */
export class Trees implements AsyncDisposable {
  readonly #parts: BuildParts;
  readonly #solving: Solving;
  readonly #open = new Map<StepId, StepSource>();

  constructor(parts: BuildParts, solving: Solving) {
    this.#parts = parts;
    this.#solving = solving;
  }

  /** Undefined for files that are known by content only. */
  async identityOf({ step, place }: KeySource): Promise<string | undefined> {
    const known = this.#solving.identities.get(step);
    if (known !== undefined) return `${known} ${place}`;
    const result = await this.#solving.resultOf(step);
    return result.kind === 'snapshot' ? `${result.identity} ${place}` : undefined;
  }

  async sourceOf(step: StepId): Promise<StepSource> {
    const known = this.#open.get(step);
    if (known) return known;
    const result = await this.#solving.resultOf(step);
    const { layers, facts, runtime } = this.#parts;
    const source: StepSource =
      result.kind === 'local'
        ? { tree: result.tree, layers: undefined }
        : {
            tree: stackTree({ folders: layers.folders(result.layers), facts, helperProgram: runtime.helperProgram }),
            layers: result.layers,
          };
    this.#open.set(step, source);
    return source;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { tree } of this.#open.values()) await tree[Symbol.asyncDispose]();
  }
}

/** What waits for another build's step is not kept waiting once this one is cancelled; what has begun is waited for. */
async function untilAborted<T>(result: Promise<T>, signal: AbortSignal, isWaiting: () => boolean): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    if (isWaiting()) reject(errors.cancelled());
  };
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
