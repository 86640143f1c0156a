/** Lint that needs no more than the text: letter case, names of stages, comments, what is out of date. Pure. */
import type { FromInstruction, Instruction } from '../parse/instruction.ts';
import type { LogicalLine } from '../parse/logical-lines.ts';
import { finding, type LintFinding, type LintPlace } from './linter.ts';

const RESERVED = ['scratch', 'context'];
const isUpper = (word: string): boolean => word === word.toUpperCase();
const isLower = (word: string): boolean => word === word.toLowerCase();

/** Keywords unlike the majority's case; where there is none, upper case is right. */
export function casingFindings(lines: readonly LogicalLine[]): LintFinding[] {
  const words = lines.map((line) => ({ place: line as LintPlace, word: /^\s*(\S+)/.exec(line.text)?.[1] ?? '' }));
  const upper = words.filter(({ word }) => isUpper(word)).length;
  const lower = words.filter(({ word }) => isLower(word)).length;
  const [isRight, name] = lower > upper ? [isLower, 'lowercase'] : [isUpper, 'uppercase'];
  return words
    .filter(({ word }) => !isRight(word))
    .map(({ place, word }) =>
      finding(
        'ConsistentInstructionCasing',
        place,
        `Command '${word}' should match the case of the command majority (${name})`,
      ),
    );
}

/** `earlier`: names of the stages before. */
export function fromFindings(from: FromInstruction, earlier: readonly string[]): LintFinding[] {
  const [, as = '', written = ''] = /\s(as)\s+(\S+)\s*$/i.exec(from.text) ?? [];
  const findings: LintFinding[] = [];
  if (written !== '' && !isLower(written)) {
    findings.push(finding('StageNameCasing', from, `Stage name '${written}' should be lowercase`));
  }
  const isMismatch = as !== '' && (isUpper(from.keyword) ? !isUpper(as) : isLower(from.keyword) && !isLower(as));
  if (isMismatch) {
    findings.push(finding('FromAsCasing', from, `'${as}' and '${from.keyword}' keywords' casing do not match`));
  }
  if (from.name !== '' && earlier.includes(from.name)) {
    const detail = `Duplicate stage name ${JSON.stringify(from.name)}, stage names should be unique`;
    findings.push(finding('DuplicateStageName', from, detail));
  }
  if (RESERVED.includes(from.name)) {
    const detail = `Stage name should not use the same name as reserved stage ${JSON.stringify(from.name)}`;
    findings.push(finding('ReservedStageName', from, detail));
  }
  return [...findings, ...platformFindings(from), ...descriptionFindings('FROM', from, from.name ? [from.name] : [])];
}

function platformFindings(from: FromInstruction): LintFinding[] {
  const { platform, name } = from;
  if (/^\$(?:TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(platform)) {
    const detail = `Setting platform to predefined ${platform} in FROM is redundant as this is the default behavior`;
    return [finding('RedundantTargetPlatform', from, detail)];
  }
  if (platform === '' || platform.includes('$')) return [];
  // A stage that says its platform in its name means it.
  if (platform.split('/').some((part) => part !== '' && name.includes(part.toLowerCase()))) return [];
  const detail = `FROM --platform flag should not use constant value ${JSON.stringify(platform)}`;
  return [finding('FromPlatformFlagConstDisallowed', from, detail)];
}

export function instructionFindings(instruction: Instruction): LintFinding[] {
  if (instruction.kind === 'maintainer') {
    const detail = 'Maintainer instruction is deprecated in favor of using label';
    return [finding('MaintainerDeprecated', instruction, detail)];
  }
  if (instruction.kind !== 'arg') return [];
  return descriptionFindings(
    'ARG',
    instruction,
    instruction.args.map(({ name }) => name),
  );
}

/** The last comment line above has to begin with a name that is defined. */
function descriptionFindings(keyword: string, place: LintPlace, names: readonly string[]): LintFinding[] {
  const words = place.comments.at(-1)?.split(' ');
  if (!words || names.length === 0 || names.includes(words[0]!)) return [];
  if (/^check\s*=/i.test(words.join(' '))) return [];
  const example = names.length > 1 ? '<arg_key>' : names[0]!;
  const detail = `Comment for ${keyword} should follow the format: \`# ${example} <description>\``;
  return [finding('InvalidDefinitionDescription', place, detail)];
}
