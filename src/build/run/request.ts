/** What it takes to run the program of a step. */
import type { BuiltLayer, LayerKey } from '#images';
import type { SourceTree } from '../files/source-tree.ts';
import type { RunningProcess } from '#runtime';
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
  /** What a cache mount that is not here yet begins with, if a cache from elsewhere has it; false: it could not be had. */
  readonly importedFill?: (name: string) => ((folder: string) => Promise<boolean>) | undefined;
  readonly onOutput: (stream: 1 | 2, bytes: Buffer) => void;
  /** See `SolveRequest.drained`. */
  readonly drained: () => Promise<void> | undefined;
  /** Somebody at a terminal takes the program's place: nothing is told of its output, and no code is a failure. */
  readonly interactive?: Interactive;
  readonly signal: AbortSignal;
}

export interface Interactive {
  readonly rows: number;
  readonly columns: number;
  /** Connects the terminal, before the program runs; the inner promise is fulfilled when it has shown all. */
  join(process: RunningProcess): Promise<{ readonly ended: Promise<void> }>;
  /** The program's exit code. */
  onExit(code: number): void;
}
