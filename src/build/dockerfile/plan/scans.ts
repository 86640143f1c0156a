/** Which trees the inventory of software looks at besides the output: `BUILDKIT_SBOM_SCAN_…`. */
import type { StepId } from '../../graph.ts';
import type { SourceSteps } from './source-steps.ts';
import type { StagePlanner } from './stage-planner.ts';
import type { StageState } from './stage-state.ts';

/** Stages that were planned and want it, and the context if one of them wants that. */
export async function scannedRoots(output: StageState, planner: StagePlanner, steps: SourceSteps): Promise<StepId[]> {
  const roots: StepId[] = [];
  for (const stage of planner.planned) {
    const wants = (name: string): boolean => isWanted(stage.variables.argOf(name) ?? planner.globalOf(name), stage);
    if (stage !== output && stage.root !== undefined && wants('BUILDKIT_SBOM_SCAN_STAGE')) roots.push(stage.root);
    if (wants('BUILDKIT_SBOM_SCAN_CONTEXT')) roots.push(await steps.context());
  }
  return roots;
}

function isWanted(value: string | undefined, stage: StageState): boolean {
  if (value === undefined || /^(?:0|f|false|)$/i.test(value)) return false;
  return /^(?:1|t|true)$/i.test(value) || value.split(',').includes(stage.facts.label);
}
