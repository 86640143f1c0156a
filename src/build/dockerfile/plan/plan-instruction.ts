/** Which part of the planner an instruction goes to. */
import type { Instruction } from '../parse/instruction.ts';
import { planArg, planCommand, planHealthcheck, planPairs, planText, planWords } from './plan-config.ts';
import { planCopy } from './plan-copy.ts';
import type { PlanParts } from './plan-parts.ts';
import { planRun } from './plan-run.ts';
import type { StageState } from './stage-state.ts';

/** Throws what is wrong with it, without its place. */
export async function planInstruction(parts: PlanParts, stage: StageState, instruction: Instruction): Promise<void> {
  switch (instruction.kind) {
    case 'arg':
      return planArg(parts, stage, instruction);
    case 'env':
    case 'label':
      return planPairs(stage, instruction);
    case 'copy':
    case 'add':
      return planCopy(parts, stage, instruction);
    case 'run':
      return planRun(parts, stage, instruction);
    case 'cmd':
    case 'entrypoint':
      return planCommand(stage, instruction);
    case 'healthcheck':
      return planHealthcheck(stage, instruction);
    case 'shell':
    case 'expose':
    case 'volume':
      return planWords(stage, instruction);
    case 'user':
    case 'workdir':
    case 'stopsignal':
    case 'maintainer':
      return planText(parts, stage, instruction);
    case 'onbuild':
      // compat: no line in the history.
      return stage.change({ onBuild: [...stage.config.onBuild, instruction.trigger] });
  }
}
