/** Stages by name and number, what each is built from, and which others it needs. Pure. */
import { messageOf } from '#base';
import { parsePlatform, type Platform } from '#specs';
import { expandWord } from '../expand/expand.ts';
import { errors } from '../errors.ts';
import { finding, type LintFinding } from '../lint/linter.ts';
import type { Dockerfile, FromInstruction, Instruction } from '../parse/instruction.ts';
import { mountSource } from '../parse/mount-fields.ts';
import { located } from '../source-text.ts';
import { hint, nearest } from '../suggest.ts';
import { defaultBaseFindings } from './base-name.ts';
import type { GlobalArgs } from './global-args.ts';
import { parseTrigger } from './triggers.ts';

export interface LinkedStage {
  readonly from: FromInstruction;
  readonly instructions: readonly Instruction[];
  /** With variables replaced. */
  readonly base: string;
  /** The stage it is built from; undefined for an image or nothing. */
  readonly baseStage: number | undefined;
  /** As `--platform` says; undefined for what it says not. */
  readonly platform: Platform | undefined;
}

export class StageLinks {
  readonly stages: readonly LinkedStage[];
  readonly #byName = new Map<string, number>();

  /** Throws `dockerfile.blankBase`, `.emptyPlatform`, `.badPlatform` and what variables throw, with the place. */
  constructor(dockerfile: Dockerfile, globals: GlobalArgs, host: Platform, findings: LintFinding[]) {
    this.stages = dockerfile.stages.map(({ from, instructions }, index): LinkedStage => {
      try {
        const names = { dockerfile, globals, findings };
        const base = expandBase(from, names);
        const platform = from.platform === '' ? undefined : expandPlatform(from, names, host);
        const baseStage = this.#byName.get(base.toLowerCase());
        if (baseStage === undefined) findings.push(...defaultBaseFindings(from, dockerfile, globals));
        if (from.name !== '') this.#byName.set(from.name, index);
        return { from, instructions, base, baseStage, platform };
      } catch (error) {
        throw located(error, dockerfile.text, from.range);
      }
    });
  }

  /** By name or number; undefined for the name of no stage. Throws `dockerfile.stageIndex`. */
  find(name: string): number | undefined {
    if (!/^\d+$/.test(name)) return this.#byName.get(name.toLowerCase());
    const index = Number(name);
    if (index >= this.stages.length) throw errors.stageIndex(name);
    return index;
  }

  /** The stage to build. Throws `dockerfile.noTarget`. */
  target(name: string): number {
    if (name === '') return this.stages.length - 1;
    const isNumber = /^\d+$/.test(name) && Number(name) < this.stages.length;
    const index = isNumber ? Number(name) : this.#byName.get(name.toLowerCase());
    if (index === undefined) throw errors.noTarget(name, hint(name, this.#byName.keys()));
    return index;
  }

  /** Names for suggestions. */
  get names(): string[] {
    return [...this.#byName.keys()];
  }

  /** Names after `--from` and `from=`, those of instructions that stages it is built from left for it included. */
  sourcesOf(index: number): string[] {
    const { instructions, baseStage } = this.stages[index]!;
    const triggers = baseStage === undefined ? [] : triggersIn(this.stages[baseStage]!.instructions);
    return [...triggers, ...instructions].flatMap(sourceNames);
  }

  /** Stages it cannot be built without, itself not included. */
  needsOf(index: number): number[] {
    const base = this.stages[index]!.baseStage;
    const others = this.sourcesOf(index).flatMap((name) => this.find(name) ?? []);
    return base === undefined ? others : [base, ...others];
  }

  /** Throws `dockerfile.circular`, with the place, and `dockerfile.stageIndex`. */
  refuseCircles(dockerfile: Dockerfile): void {
    const state = new Map<number, 'open' | 'done'>();
    for (const start of this.stages.keys()) {
      const path = state.has(start) ? [] : [{ index: start, needs: this.#checkedNeeds(start, dockerfile) }];
      if (path.length > 0) state.set(start, 'open');
      while (path.length > 0) {
        const { index, needs } = path.at(-1)!;
        const next = needs.pop();
        if (next === undefined) {
          state.set(index, 'done');
          path.pop();
        } else if (state.get(next) === 'open') {
          const stages = path.map((each) => each.index);
          throw this.#circle(stages.slice(stages.indexOf(next)), dockerfile);
        } else if (!state.has(next)) {
          state.set(next, 'open');
          path.push({ index: next, needs: this.#checkedNeeds(next, dockerfile) });
        }
      }
    }
  }

  /** Of stages that need the next one each, and the last the first. One that copies from a later stage is what is wrong. */
  #circle(stages: readonly number[], { text }: Dockerfile): unknown {
    const nameOf = (stage: number): string => this.stages[stage]!.from.name || `stage-${stage}`;
    const links = stages.map((stage, at) => {
      const needed = stages[(at + 1) % stages.length]!;
      const { from, instructions } = this.stages[stage]!;
      const by = instructions.find((one) => sourceNames(one).some((name) => this.find(name) === needed));
      return { stage, needed, by: by ?? from };
    });
    const early = links.find(({ stage, needed, by }) => needed > stage && by.kind === 'copy');
    if (early) return located(errors.laterStage(nameOf(early.needed), nameOf(early.stage)), text, early.by.range);
    const { needed, by } = links.at(-1)!;
    return located(errors.circular(nameOf(needed)), text, by.range);
  }

  #checkedNeeds(index: number, dockerfile: Dockerfile): number[] {
    try {
      return this.needsOf(index);
    } catch (error) {
      throw located(error, dockerfile.text, this.stages[index]!.from.range);
    }
  }
}

/** What an instruction reads from by name: stages, images or contexts. */
export function sourceNames(instruction: Instruction): string[] {
  if (instruction.kind === 'copy') return instruction.from === '' ? [] : [instruction.from];
  if (instruction.kind !== 'run') return [];
  return instruction.mounts.map(mountSource).filter((name) => name !== '');
}

function triggersIn(instructions: readonly Instruction[]): Instruction[] {
  return instructions.flatMap((instruction) =>
    instruction.kind === 'onbuild' ? parseTrigger(instruction.trigger) : [],
  );
}

interface Names {
  readonly dockerfile: Dockerfile;
  readonly globals: GlobalArgs;
  readonly findings: LintFinding[];
}

function expandBase(from: FromInstruction, names: Names): string {
  const base = expandHere(from, from.base, names);
  if (base.text === '') throw errors.blankBase(from.base);
  return base.text;
}

function expandPlatform(from: FromInstruction, names: Names, host: Platform): Platform {
  const { text, missing } = expandHere(from, from.platform, names);
  const near = [...missing].map((name) => hint(name, names.globals.values.keys(), true)).find((word) => word !== '');
  if (text === '') throw errors.emptyPlatform(from.platform, near ?? '');
  try {
    return parsePlatform(text, host);
  } catch (error) {
    throw errors.badPlatform(from.platform, messageOf(error), near ?? '');
  }
}

function expandHere(from: FromInstruction, word: string, { dockerfile, globals, findings }: Names) {
  const options = { escape: dockerfile.directives.escape };
  const expansion = expandWord(word, (name) => globals.values.get(name), options);
  for (const name of expansion.missing) {
    if (globals.values.has(name)) continue;
    const near = nearest(name, globals.values.keys(), true);
    const detail = `FROM argument '${name}' is not declared${near === undefined ? '' : ` (did you mean ${near}?)`}`;
    findings.push(finding('UndefinedArgInFrom', from, detail));
  }
  return expansion;
}
