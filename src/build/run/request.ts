/** What it takes to run the program of a step. */
import type { BuiltLayer, LayerKey } from '#images';
import type { SourceTree } from '../files/source-tree.ts';
import type { RunStep } from '../graph.ts';
import type { RunGifts, RunSettings } from './settings.ts';

/** What a step gave, as mounts see it. */
export interface StepSource {
  readonly tree: SourceTree;
  /** The layers it is, if it is a stack of them. */
  readonly layers: readonly LayerKey[] | undefined;
}

export interface RunRequest {
  readonly step: RunStep;
  /** What it runs in, lowest first. */
  readonly root: readonly LayerKey[];
  readonly layer: BuiltLayer;
  readonly settings: RunSettings;
  readonly gifts: RunGifts;
  /** The results of other steps its mounts show. */
  readonly sourceOf: (step: number) => StepSource;
  readonly onOutput: (stream: 1 | 2, bytes: Buffer) => void;
  /** See `SolveRequest.drained`. */
  readonly drained: () => Promise<void> | undefined;
  readonly signal: AbortSignal;
}
