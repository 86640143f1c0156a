/** What planning an instruction needs of the build around it. Types only. */
import type { StepId } from '../../graph.ts';
import type { IgnoreMatcher } from '#base';
import type { LintFinding } from '../lint/linter.ts';
import type { GlobalArgs } from './global-args.ts';
import type { GraphWriter } from './graph-writer.ts';
import type { SourceSteps } from './source-steps.ts';
import type { StageState } from './stage-state.ts';

export interface PlanParts {
  readonly graph: GraphWriter;
  readonly sources: SourceSteps;
  readonly findings: LintFinding[];
  readonly globals: GlobalArgs;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly proxyEnvironment: readonly string[];
  /** The main context. */
  context(): Promise<StepId>;
  contextIgnore(): Promise<IgnoreMatcher | undefined>;
  /** What `COPY --from` names: a stage, an image or a context. */
  copySource(stage: StageState, name: string): Promise<StepId>;
  /** The same of `--mount from=`. */
  mountSource(stage: StageState, name: string): Promise<StepId>;
}
