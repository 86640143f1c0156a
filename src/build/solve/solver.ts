/**
 * Runs a graph: steps whose inputs are there side by side, what the cache has not at all, what no output needs never.
 *
 * The story. Each needed step waits for its inputs and then has a key. The cache's result of that key is taken; else the step
 * is performed in a folder that becomes a layer, and recorded. Everything a running build relies on is held until it is
 * disposed. The first step that fails ends the others; when the build returns or throws, nothing of it is at work any more.
 */
import { availableParallelism } from 'node:os';
import { messageOf } from '#base';
import type { LayerKey } from '#images';
import { errors } from '../errors.ts';
import type { BuildGraph, Step, StepId } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import { performStep } from './perform.ts';
import { nothingProbed, probe } from './probe.ts';
import { inputsOf, type StepResult } from './result.ts';
import { Slots } from './slots.ts';
import type { SolveRequest, Solving } from './solving.ts';

export interface Solved extends AsyncDisposable {
  /** The layers of a step's result, lowest first; none for an empty tree. */
  layersOf(step: StepId | undefined): readonly LayerKey[];
  /** The steps that were needed, in their order. */
  readonly needed: readonly StepId[];
  /** Those that stand below the outputs. */
  readonly exported: ReadonlySet<StepId>;
  /** Ids of the cache's entries, by the step that gave or found them. */
  readonly entries: ReadonlyMap<StepId, string>;
  /** Of a step that was needed. */
  resultOf(step: StepId): StepResult | undefined;
}

/** Programs of one build that run at the same time. */
const MAX_PARALLEL = Math.max(4, availableParallelism());

/** Throws what the first failing step threw, and `build.cancelled`. */
export async function solve(parts: BuildParts, request: SolveRequest): Promise<Solved> {
  const { graph, wanted, tell } = request;
  const needed = neededSteps(graph, [...(wanted ?? rootsOf(graph)), ...(request.alsoNeeded ?? [])]);
  const planned = needed.map((id) => ({ id, name: graph.steps[id]!.name, inputs: inputsOf(graph.steps[id]!) }));
  tell({ type: 'planned', steps: planned });
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  using held = new DisposableStack();
  const results = new Map<StepId, Promise<StepResult>>();
  const exported = exportedSteps(graph, wanted ? [] : rootsOf(graph));
  const { imported = [], wantsAll = false } = request;
  const { identities, leftOut } =
    imported.length > 0 && !wantsAll ? await probe(parts, { ...request, signal }, { needed, exported }) : nothingProbed;
  const failures: unknown[] = [];
  const start = (id: StepId): Promise<StepResult> => {
    const result = runOne(parts, solving, { id, step: graph.steps[id]!, leftOut });
    result.catch((error: unknown) => {
      failures.push(error);
      stop.abort();
    });
    return result;
  };
  const solving: Solving = {
    ...request,
    signal,
    identities,
    slots: new Slots(MAX_PARALLEL),
    held,
    background: [],
    exported,
    fetched: request.fetched ?? new Map(),
    entries: new Map(),
    archives: held.use(parts.layers.archives({ signal, epochNs: request.epochNs })),
    resultOf: (step) => results.getOrInsertComputed(step, () => start(step)),
  };
  for (const id of needed) {
    if (!leftOut.has(id)) void solving.resultOf(id);
    else {
      tell({ type: 'cached', step: id });
      tell({ type: 'done', step: id, identity: '' });
    }
  }
  // Steps that were left out may still be asked for by others.
  for (let count = 0; count < results.size; ) {
    count = results.size;
    await Promise.allSettled(results.values());
  }
  const background = await Promise.allSettled(solving.background);
  if (request.signal.aborted) throw errors.cancelled();
  if (failures.length > 0) throw failures[0];
  for (const outcome of background) if (outcome.status === 'rejected') throw outcome.reason;
  const done = new Map<StepId, StepResult>();
  for (const [id, result] of results) done.set(id, await result);
  const kept = held.move();
  return {
    needed,
    exported,
    entries: solving.entries,
    layersOf: (step) => {
      const result = step === undefined ? undefined : done.get(step);
      return result?.kind === 'snapshot' ? result.layers : [];
    },
    resultOf: (step) => done.get(step),
    [Symbol.asyncDispose]: async () => kept.dispose(),
  };
}

const rootsOf = ({ outputs }: BuildGraph): StepId[] =>
  outputs.flatMap(({ root }) => (root === undefined ? [] : [root]));

/** Those the roots reach, in their order. */
function neededSteps({ steps }: BuildGraph, roots: readonly StepId[]): StepId[] {
  const needed = new Set<StepId>();
  const visit = (id: StepId): void => {
    if (needed.has(id)) return;
    needed.add(id);
    inputsOf(steps[id]!).forEach(visit);
  };
  roots.forEach(visit);
  return [...needed].sort((a, b) => a - b);
}

/** Those that stand below the roots, and the roots. */
function exportedSteps({ steps }: BuildGraph, roots: readonly StepId[]): Set<StepId> {
  const exported = new Set<StepId>();
  const visit = (id: StepId | undefined): void => {
    if (id === undefined || exported.has(id)) return;
    exported.add(id);
    const step = steps[id]!;
    if (step.kind === 'run' || step.kind === 'files') visit(step.root);
    if (step.kind === 'merge') step.layers.forEach(visit);
  };
  roots.forEach(visit);
  return exported;
}

interface One {
  readonly id: StepId;
  readonly step: Step;
  readonly leftOut: ReadonlySet<StepId>;
}

async function runOne(parts: BuildParts, solving: Solving, { id, step, leftOut }: One): Promise<StepResult> {
  const { resultOf, signal, tell } = solving;
  // One after the other would do: all of them are under way, but those it will hardly need.
  const inputs = inputsOf(step).filter((input) => !leftOut.has(input));
  await Promise.all(inputs.map((input) => resultOf(input)));
  if (signal.aborted) throw errors.cancelled();
  try {
    const result = await performStep(parts, solving, id, step);
    tell({ type: 'done', step: id, identity: result.kind === 'snapshot' ? result.identity : '' });
    return result;
  } catch (error) {
    if (!signal.aborted) tell({ type: 'failed', step: id, message: messageOf(error) });
    throw signal.aborted ? errors.cancelled() : error;
  }
}
