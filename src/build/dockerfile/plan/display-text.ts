/** How progress shows an instruction: its keyword in capitals, variables replaced where they have values. Pure. */
import { SkiffError } from '#base';
import { expandWord } from '../expand/expand.ts';
import type { Instruction } from '../parse/instruction.ts';
import type { StageState } from './stage-state.ts';

export function displayText(stage: StageState, instruction: Instruction): string {
  const { text, keyword } = instruction;
  const line = keyword.toUpperCase() + text.slice(keyword.length);
  try {
    // compat: in RUN quotes belong to the shell, elsewhere they are no part of the words.
    const options = { escape: stage.facts.escape, isForDisplay: instruction.kind === 'run' };
    const shown = expandWord(line, stage.variables.valueOf, options).text;
    return shown + heredocSummary(instruction);
  } catch (error) {
    if (error instanceof SkiffError) return line;
    throw error;
  }
}

/** ` (echo hello...)`: the first line of a script. */
function heredocSummary(instruction: Instruction): string {
  if (instruction.kind !== 'run' || instruction.heredocs.length !== 1) return '';
  const lines = instruction.heredocs[0]!.content.trim().split(/\r?\n/);
  return ` (${lines[0]}${lines.length > 1 ? '...' : ''})`;
}
