/** What a build tells while it goes on: plain values, one stream for every door. */
import type { StepId } from './graph.ts';

export type BuildEvent =
  /** Every step that will be needed, before the first begins. */
  | { readonly type: 'planned'; readonly steps: readonly PlannedStep[] }
  | { readonly type: 'started'; readonly step: StepId }
  /** Nothing has to be done: the cache has it. */
  | { readonly type: 'cached'; readonly step: StepId }
  | { readonly type: 'log'; readonly step: StepId; readonly stream: 1 | 2; readonly bytes: Buffer }
  /** Some part of a step, such as a layer that is pulled. */
  | {
      readonly type: 'status';
      readonly step: StepId;
      readonly id: string;
      readonly status: string;
      readonly current?: number;
      readonly total?: number;
    }
  | { readonly type: 'done'; readonly step: StepId; readonly identity: string }
  | { readonly type: 'failed'; readonly step: StepId; readonly message: string };

export interface PlannedStep {
  readonly id: StepId;
  readonly name: string;
  readonly inputs: readonly StepId[];
}

export type Tell = (event: BuildEvent) => void;
