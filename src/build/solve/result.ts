/** What a step gives to those that read it. */
import type { LayerKey } from '#images';
import type { SourceTree } from '../files/source-tree.ts';
import type { Step, StepId } from '../graph.ts';

export type StepResult =
  | {
      readonly kind: 'snapshot';
      /** What keys of later steps are made of. */
      readonly identity: string;
      /** Lowest first. */
      readonly layers: readonly LayerKey[];
      /** Of a source: when it was made, if it says so. */
      readonly timeNs?: bigint;
      /** Of a source: what was fetched, as `sha256:…` of a download's content, `sha1:…` or `sha256:…` of a commit. */
      readonly sourceDigest?: string;
    }
  /** Files somebody gave: known by content only. */
  | { readonly kind: 'local'; readonly tree: SourceTree };

export type Snapshot = Extract<StepResult, { kind: 'snapshot' }>;

/** Nothing at all: `FROM scratch`. */
export const emptySnapshot: Snapshot = { kind: 'snapshot', identity: '', layers: [] };

/** The steps a step reads, each once. */
export function inputsOf(step: Step): StepId[] {
  return [...new Set(allInputs(step))];
}

function allInputs(step: Step): StepId[] {
  switch (step.kind) {
    case 'image':
    case 'result':
    case 'local':
    case 'git':
    case 'http':
      return [];
    case 'run':
      return [
        ...(step.root === undefined ? [] : [step.root]),
        ...step.mounts.flatMap((mount) =>
          (mount.kind === 'bind' || mount.kind === 'cache') && mount.from !== undefined ? [mount.from] : [],
        ),
      ];
    case 'files':
      return [
        ...(step.root === undefined ? [] : [step.root]),
        ...step.actions.flatMap((action) => (action.kind === 'copy' ? [action.from] : [])),
      ];
    case 'merge':
      return [...step.layers];
  }
}
