/**
 * Which steps can be left out because what they would give is only read by steps whose results are in a cache: an imported
 * one keeps what is part of an image, and not the stages it was made in.
 *
 * The story. A step's identity can often be told without running it: it is the key of what it does and reads, and files of
 * the client's are read for that. With the identities of all trees it reads, a step is looked up; if it is found, only the
 * steps below it, whose layers it has, are asked for as well. What was told wrongly costs nothing but the time: a step that
 * is left out is run after all when somebody asks for its files.
 */
import type { Digest } from '#base';
import { IgnoreMatcher } from '#base';
import { firstOf } from '../cache-transfer/import-cache.ts';
import { contentDigest, pathDigest } from '../files/select.ts';
import type { SourceTree } from '../files/source-tree.ts';
import type { FilesStep, LocalStep, RunStep, Step, StepId } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import { filesDefinition, runDefinition, runSources, stepKey } from './keys.ts';
import { inputsOf } from './result.ts';
import type { SolveRequest } from './solving.ts';

export interface Probed {
  /** Of steps whose identity is known beforehand. */
  readonly identities: ReadonlyMap<StepId, string>;
  readonly leftOut: ReadonlySet<StepId>;
}

export const nothingProbed: Probed = { identities: new Map(), leftOut: new Set() };

interface Told {
  readonly identity: string | undefined;
  readonly isFound: boolean;
}

const unknown: Told = { identity: undefined, isFound: false };

/** `exported`: steps that are run or found in any case. Throws what reading a client's files throws. */
export async function probe(
  parts: Pick<BuildParts, 'cache' | 'images' | 'layers'>,
  request: SolveRequest,
  { needed, exported }: { readonly needed: readonly StepId[]; readonly exported: ReadonlySet<StepId> },
): Promise<Probed> {
  const { graph, alsoNeeded = [] } = request;
  const told = new Map<StepId, Told>();
  for (const id of needed) told.set(id, await tell(parts, request, graph.steps[id]!, told));
  const wanted = new Set<StepId>();
  const visit = (id: StepId): void => {
    if (wanted.has(id)) return;
    wanted.add(id);
    const step = graph.steps[id]!;
    const isMerge = step.kind === 'merge';
    for (const input of inputsOf(step)) {
      // A local step's files are known already, and cost nothing more.
      const isKept = isMerge || exported.has(input) || graph.steps[input]!.kind === 'local';
      if (isKept || !told.get(id)!.isFound) visit(input);
    }
  };
  for (const { root } of graph.outputs) if (root !== undefined) visit(root);
  alsoNeeded.forEach(visit);
  const identities = new Map<StepId, string>();
  for (const [id, { identity }] of told) if (identity !== undefined) identities.set(id, identity);
  return { identities, leftOut: new Set(needed.filter((id) => !wanted.has(id))) };
}

async function tell(
  parts: Pick<BuildParts, 'cache' | 'images' | 'layers'>,
  request: SolveRequest,
  step: Step,
  told: ReadonlyMap<StepId, Told>,
): Promise<Told> {
  switch (step.kind) {
    case 'image': {
      const image = await parts.images.find(step.reference);
      return image ? { identity: parts.layers.chainId(image), isFound: true } : unknown;
    }
    case 'merge': {
      const inputs = step.layers.map((layer) => told.get(layer) ?? unknown);
      const identities = inputs.flatMap(({ identity }) => identity ?? []);
      if (identities.length < inputs.length) return unknown;
      const identity = stepKey({ definition: ['merge'], root: '', sources: identities });
      return { identity, isFound: inputs.every(({ isFound }) => isFound) };
    }
    case 'run':
    case 'files':
      return tellLayer(parts, request, step, told);
    default:
      return unknown;
  }
}

async function tellLayer(
  { cache }: Pick<BuildParts, 'cache'>,
  request: SolveRequest,
  step: RunStep | FilesStep,
  told: ReadonlyMap<StepId, Told>,
): Promise<Told> {
  const root = step.root === undefined ? '' : told.get(step.root)?.identity;
  if (root === undefined || step.ignoresCache) return unknown;
  const plain = step.kind === 'run' ? runDefinition(step) : filesDefinition(step);
  const definition = request.epochNs === undefined ? plain : [plain, String(request.epochNs)];
  const sources: string[] = [];
  let isByPlace = false;
  for (const source of sourcesOf(step)) {
    const from = request.graph.steps[source.step]!;
    const identity = told.get(source.step)?.identity;
    if (identity !== undefined) {
      isByPlace = true;
      sources.push(`${identity} ${source.place}`);
    } else if (from.kind === 'local') sources.push(await localDigest(request, from, source.digest));
    else return unknown;
  }
  // One key is of places or of contents, never of both.
  if (isByPlace && sourcesOf(step).some(({ step: from }) => request.graph.steps[from]!.kind === 'local'))
    return unknown;
  const key: Digest = stepKey({ definition, root, sources });
  const found = cache.find(key) ?? firstOf(request.imported ?? [], [key]);
  if (found) return { identity: found.identity, isFound: true };
  return { identity: isByPlace ? undefined : key, isFound: false };
}

interface Source {
  readonly step: StepId;
  readonly place: string;
  readonly digest: (tree: SourceTree) => Promise<string>;
}

/** As `perform.ts` makes keys of them. */
function sourcesOf(step: RunStep | FilesStep): Source[] {
  if (step.kind === 'run') {
    return runSources(step).map(({ from, source }) => ({
      step: from,
      place: source,
      digest: (tree) => pathDigest(tree, source),
    }));
  }
  return step.actions.flatMap((action): Source[] =>
    action.kind === 'copy'
      ? [
          {
            step: action.from,
            place: JSON.stringify([action.sources, action.excludes]),
            digest: (tree) => contentDigest(tree, action),
          },
        ]
      : [],
  );
}

async function localDigest(
  { contextOf }: SolveRequest,
  step: LocalStep,
  digest: (tree: SourceTree) => Promise<string>,
): Promise<string> {
  const context = await contextOf(step);
  await using tree = context.tree(new IgnoreMatcher(step.excludes));
  return digest(tree);
}
