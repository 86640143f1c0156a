/** `parseDockerfile`: text to stages of instructions. Pure: no files, no images, no variables' values. */
import { errors } from '../errors.ts';
import { finding, type LintFinding } from '../lint/linter.ts';
import { casingFindings, fromFindings, instructionFindings } from '../lint/style.ts';
import { located, parseError } from '../source-text.ts';
import { type Directives, readDirectives } from './directives.ts';
import type { ArgInstruction, Dockerfile, FromInstruction, Instruction } from './instruction.ts';
import { type LogicalLine, logicalLines } from './logical-lines.ts';
import { parseInstruction } from './parse-instruction.ts';

/**
 * `findings` gets what the linter has to say, also before a refusal; it is the result's `findings`.
 * Throws errors of the module whose details say `line`, `endLine` and `excerpt`.
 */
export function parseDockerfile(text: string, findings: LintFinding[] = []): Dockerfile {
  if (text === '') throw errors.empty();
  const directives = directivesOf(text);
  const globalArgs: ArgInstruction[] = [];
  const stages: { from: FromInstruction; instructions: Instruction[] }[] = [];
  const statements: (Instruction | FromInstruction)[] = [];
  const lines = [...logicalLines(text, directives.escape)];
  findings.push(...lines.flatMap(emptyContinuation), ...casingFindings(lines));
  for (const line of lines) {
    try {
      const instruction = parseInstruction(line, directives.escape);
      statements.push(instruction);
      const stage = stages.at(-1);
      if (instruction.kind === 'from') {
        findings.push(
          ...fromFindings(
            instruction,
            stages.map(({ from }) => from.name),
          ),
        );
        stages.push({ from: instruction, instructions: [] });
      } else if (stage) {
        findings.push(...instructionFindings(instruction));
        stage.instructions.push(instruction);
      } else if (instruction.kind === 'arg') {
        findings.push(...instructionFindings(instruction));
        globalArgs.push(instruction);
      } else throw errors.noStage();
    } catch (error) {
      throw parseError(error, text, line.range);
    }
  }
  if (statements.length === 0) throw errors.noInstructions();
  if (stages.length === 0) {
    throw located(errors.noStages(), text, statements.at(-1)!.range);
  }
  return { text, directives, globalArgs, stages, findings };
}

/** Only what stands before everything else: to choose the front end. Throws as `parseDockerfile`. */
export function directivesOf(text: string): Directives {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return readDirectives(lines, (error, line) => {
    throw parseError(error, text, { start: line, end: line });
  });
}

function emptyContinuation({ emptyContinuation: line, comments }: LogicalLine): LintFinding[] {
  if (line === undefined) return [];
  return [finding('NoEmptyContinuation', { range: { start: line, end: line }, comments }, 'Empty continuation line')];
}
