/** One step: its key, what the cache has of it, and else doing it. */
import { IgnoreMatcher, SkiffError } from '#base';
import { hostPlatform } from '#images';
import { hasInterpreter } from '#linux';
import { formatPlatform, type Platform, platformFits } from '#specs';
import { importedFill } from '../cache-transfer/mount-archives.ts';
import { errors } from '../errors.ts';
import { applyFiles } from '../files/files-step.ts';
import { contentDigest, pathDigest } from '../files/select.ts';
import type { SourceTree } from '../files/source-tree.ts';
import type {
  CopyAction,
  FilesStep,
  GitStep,
  HttpStep,
  ImageStep,
  LocalStep,
  MergeStep,
  ResultStep,
  RunStep,
  Step,
  StepId,
} from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import type { StepSource } from '../run/request.ts';
import { runStep } from '../run/run-step.ts';
import { cached, type KeySource } from './cached.ts';
import { fetchRepository } from './git-step.ts';
import { fetchFile } from './http-step.ts';
import { filesDefinition, runDefinition, runSources, stepKey } from './keys.ts';
import { emptySnapshot, inputsOf, type Snapshot, type StepResult } from './result.ts';
import type { Solving } from './solving.ts';

/** Its inputs are there. */
export async function performStep(parts: BuildParts, solving: Solving, id: StepId, step: Step): Promise<StepResult> {
  switch (step.kind) {
    case 'image':
      return image(parts, solving, id, step);
    case 'result':
      return given(parts, solving, id, step);
    case 'local':
      return local(solving, step);
    case 'git':
      return once(solving, id, step, () => fetchRepository(parts, solving, id, step));
    case 'http':
      return once(solving, id, step, () => fetchFile(parts, solving, id, step));
    case 'run':
      return run(parts, solving, id, step);
    case 'files':
      return files(parts, solving, id, step);
    case 'merge':
      return merge(solving, step);
  }
}

/** What a name of the network stands for does not change in the middle of a build. */
async function once(
  solving: Solving,
  id: StepId,
  step: GitStep | HttpStep,
  fetch: () => Promise<Snapshot>,
): Promise<Snapshot> {
  const { name: _name, source: _source, ignoresCache: _ignoresCache, ...what } = step;
  const key = JSON.stringify(what);
  const known = solving.fetched.get(key);
  if (known) {
    const snapshot = await known;
    solving.tell({ type: 'cached', step: id });
    return snapshot;
  }
  const fetching = fetch();
  solving.fetched.set(key, fetching);
  return fetching;
}

async function image({ images, layers }: BuildParts, solving: Solving, id: StepId, step: ImageStep): Promise<Snapshot> {
  const found = await images.find(step.reference);
  if (!found) solving.tell({ type: 'started', step: id });
  const record = found ?? (await solving.pull(step, solving.signal));
  const keys = record.layers.map(({ key }) => key);
  const held = layers.hold(keys);
  if (!held) throw errors.notFound(step.reference);
  solving.held.use(held);
  if (found) solving.tell({ type: 'cached', step: id });
  return { kind: 'snapshot', identity: layers.chainId(record), layers: keys };
}

/** What another build holds is held for this one as well. */
async function given({ layers }: BuildParts, solving: Solving, id: StepId, step: ResultStep): Promise<Snapshot> {
  const snapshot = await solving.given?.(step);
  const held = snapshot && layers.hold(snapshot.layers);
  if (!snapshot || !held) throw errors.notFound(step.input);
  solving.held.use(held);
  solving.tell({ type: 'cached', step: id });
  return snapshot;
}

async function local(solving: Solving, step: LocalStep): Promise<StepResult> {
  const context = await solving.contextOf(step);
  return { kind: 'local', tree: context.tree(new IgnoreMatcher(step.excludes)) };
}

async function merge({ resultOf }: Solving, step: MergeStep): Promise<Snapshot> {
  const inputs = await Promise.all(step.layers.map((each) => snapshotOf(resultOf, each)));
  const sources = inputs.map(({ identity }) => identity);
  const identity = stepKey({ definition: ['merge'], root: '', sources });
  return { kind: 'snapshot', identity, layers: inputs.flatMap(({ layers }) => layers) };
}

async function run(parts: BuildParts, solving: Solving, id: StepId, step: RunStep): Promise<Snapshot> {
  const root = await snapshotOf(solving.resultOf, step.root);
  const sources = runSources(step).map(
    ({ from, source }): KeySource => ({
      step: from,
      place: source,
      digest: (tree) => pathDigest(tree, source),
    }),
  );
  const { gifts, settings, signal, tell, drained = () => undefined } = solving;
  return cached(parts, solving, {
    id,
    step,
    root,
    definition: runDefinition(step),
    sources,
    make: async (layer, trees) => {
      refuseForeign(platformOf(solving.graph.steps, step));
      const given = new Map<StepId, StepSource>();
      for (const input of inputsOf(step)) given.set(input, await trees.sourceOf(input));
      const onOutput = (stream: 1 | 2, bytes: Buffer): void => tell({ type: 'log', step: id, stream, bytes });
      const sourceOf = (input: StepId): StepSource => given.get(input)!;
      const request = {
        ...{ step, root: root.layers, layer, settings, gifts, sourceOf, onOutput, drained, signal },
        importedFill: (name: string) => importedFill(parts, solving.imported ?? [], name, signal),
      };
      try {
        await runStep(parts, request);
      } catch (error) {
        if (error instanceof SkiffError && error.code === 'build.runFailed') await tellFailure(solving, step, root);
        throw error;
      }
    },
  });
}

/** What the programs of a tree are for: the image's at its bottom; undefined of one that has none. */
function platformOf(steps: readonly Step[], step: RunStep): Platform | undefined {
  let at: Step | undefined = step;
  while (at && at.kind !== 'image' && at.kind !== 'result') {
    const below: StepId | undefined = at.kind === 'merge' ? at.layers[0] : 'root' in at ? at.root : undefined;
    at = below === undefined ? undefined : steps[below];
  }
  return at?.platform;
}

/** Before its program is started, which would only say that it has the wrong format. Throws `build.noInterpreter`. */
function refuseForeign(platform: Platform | undefined): void {
  if (!platform || platform.os !== 'linux' || platform.architecture === '') return;
  const host = hostPlatform();
  // kernel: 64-bit x86 runs 32-bit programs as well.
  const isOwn = platformFits(platform, host) || (host.architecture === 'amd64' && platform.architecture === '386');
  if (!isOwn && !hasInterpreter(platform.architecture)) throw errors.noInterpreter(formatPlatform(platform));
}

async function tellFailure(solving: Solving, step: RunStep, root: Snapshot): Promise<void> {
  const { onRunFailed, resultOf, settings, gifts } = solving;
  if (!onRunFailed) return;
  const inputs = new Map<StepId, StepResult>();
  for (const input of inputsOf(step)) inputs.set(input, await resultOf(input));
  onRunFailed({ step, root, inputs, settings, gifts });
}

async function files(parts: BuildParts, solving: Solving, id: StepId, step: FilesStep): Promise<Snapshot> {
  const root = await snapshotOf(solving.resultOf, step.root);
  const copies = step.actions.filter((action): action is CopyAction => action.kind === 'copy');
  const sources = copies.map(
    (action): KeySource => ({
      step: action.from,
      place: JSON.stringify([action.sources, action.excludes]),
      digest: (tree) => contentDigest(tree, action),
    }),
  );
  const { nowNs, signal } = solving;
  return cached(parts, solving, {
    id,
    step,
    root,
    definition: filesDefinition(step),
    sources,
    make: async (layer, trees) => {
      const given = new Map<StepId, SourceTree>();
      for (const { from } of copies) given.set(from, (await trees.sourceOf(from)).tree);
      const treeOf = (from: StepId): SourceTree => given.get(from)!;
      await applyFiles(parts, { step, root: root.layers, layer, treeOf, nowNs, signal });
    },
  });
}

async function snapshotOf(resultOf: Solving['resultOf'], step: StepId | undefined): Promise<Snapshot> {
  const result = step === undefined ? emptySnapshot : await resultOf(step);
  if (result.kind !== 'snapshot') throw new TypeError('a build context is no root file system');
  return result;
}
