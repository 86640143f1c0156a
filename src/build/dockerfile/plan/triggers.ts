/** ONBUILD's other half: an image's triggers, read as instructions of the stage built from it. Pure. */
import { errors } from '../errors.ts';
import type { Instruction } from '../parse/instruction.ts';
import { logicalLines } from '../parse/logical-lines.ts';
import { parseInstruction } from '../parse/parse-instruction.ts';

/** Throws `dockerfile.triggerForm`, `.badTrigger`, and what the instruction's parser throws. */
export function parseTrigger(text: string): Instruction {
  const [line, ...more] = logicalLines(text, '\\');
  if (!line || more.length > 0) throw errors.triggerForm();
  const instruction = parseInstruction(line, '\\');
  if (instruction.kind === 'from' || instruction.kind === 'maintainer') {
    throw errors.badTrigger(instruction.kind.toUpperCase());
  }
  if (instruction.kind === 'onbuild') throw errors.chainedOnBuild();
  return instruction;
}
