/** A stage while it is planned: its root so far, config, variables and history. */
import { emptyImageConfig, type ImageConfig } from '#images';
import { formatPlatform, type HistoryEntry, type Platform } from '#specs';
import type { SourceRange, StepId } from '../../graph.ts';
import { expandWord, type ExpandOptions } from '../expand/expand.ts';
import { errors } from '../errors.ts';
import { finding, type LintFinding, type LintPlace } from '../lint/linter.ts';
import type { Heredoc, Instruction } from '../parse/instruction.ts';
import { bodyOf } from '../parse/heredoc.ts';
import { nearest } from '../suggest.ts';
import { Variables } from './variables.ts';

const HISTORY_COMMENT = 'buildkit.dockerfile.v0';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SHELL = ['/bin/sh', '-c'];
/** Of what a stage adds; an image's config has to fit in a blob registries take. */
const MAX_HISTORY_MIB = 4;

/** What a stage begins with: an image, another stage, or nothing. */
export interface StageStart {
  readonly root: StepId | undefined;
  readonly platform: Platform;
  readonly config: ImageConfig;
  readonly history: readonly HistoryEntry[];
  readonly author: string;
  readonly variables?: Variables;
  /** An absolute WORKDIR was given in this file. */
  readonly hasWorkdir?: boolean;
}

export interface StageFacts {
  /** Its place in the file. */
  readonly index: number;
  /** `build`, `stage-1`; '' for the only one. */
  readonly label: string;
  readonly ignoresCache: boolean;
  /** Names of steps say their platform. */
  readonly showsPlatform: boolean;
  readonly escape: string;
  /** RFC 3339, for history; undefined: when it was made. */
  readonly created: string | undefined;
  readonly findings: LintFinding[];
}

export const nothing = (platform: Platform): StageStart => ({
  root: undefined,
  platform,
  // compat: as BuildKit says of it.
  config: { ...emptyImageConfig, workingDirectory: '/' },
  history: [],
  author: '',
});

export class StageState {
  readonly facts: StageFacts;
  readonly platform: Platform;
  readonly variables: Variables;
  readonly history: HistoryEntry[];
  root: StepId | undefined;
  author: string;
  hasWorkdir: boolean;
  /** Where CMD, ENTRYPOINT and HEALTHCHECK were last given in this stage. */
  readonly given = new Map<string, LintPlace>();
  #config: ImageConfig;
  #steps = 0;
  #noted = 0;
  #stepTotal = 0;

  constructor(start: StageStart, facts: StageFacts) {
    this.facts = facts;
    this.platform = start.platform;
    this.root = start.root;
    this.author = start.author;
    this.history = [...start.history];
    this.hasWorkdir = start.hasWorkdir ?? false;
    this.#config = start.config;
    this.variables = new Variables(start.config.env, start.variables);
    if (this.variables.env.every((entry) => !entry.startsWith('PATH='))) this.variables.setEnv('PATH', PATH);
  }

  get config(): ImageConfig {
    return { ...this.#config, env: this.variables.env };
  }

  change(changes: Partial<ImageConfig>): void {
    this.#config = { ...this.#config, ...changes };
  }

  /** For lines of RUN, CMD and ENTRYPOINT. */
  get shell(): readonly string[] {
    return this.#config.shell.length > 0 ? this.#config.shell : SHELL;
  }

  get workingDirectory(): string {
    return this.#config.workingDirectory || '/';
  }

  /** Replaces variables; `place` is warned about those that are nowhere. Throws what `expandWord` throws. */
  expand(word: string, place: LintPlace): string {
    return this.#expand(word, place, { escape: this.facts.escape });
  }

  /** The content of a heredoc, as COPY writes it. */
  expandBody(heredoc: Heredoc, place: LintPlace): string {
    const body = bodyOf(heredoc);
    return heredoc.expands ? this.#expand(body, place, { escape: '\\', ignoresQuotes: true }) : body;
  }

  #expand(word: string, place: LintPlace, options: ExpandOptions): string {
    const { text, missing } = expandWord(word, this.variables.valueOf, options);
    for (const name of missing) {
      if (this.variables.isDeclared(name) || /^\W$|^\d+$/.test(name)) continue;
      const near = nearest(name, this.variables.names(), true);
      const detail = `Usage of undefined variable '$${name}'${near === undefined ? '' : ` (did you mean $${near}?)`}`;
      this.facts.findings.push(finding('UndefinedVar', place, detail));
    }
    return text;
  }

  /** Adds to the history; `layer` says whether the instruction has one. Throws `dockerfile.longHistory`. */
  note(createdBy: string, layer: 'layer' | 'empty'): void {
    this.#noted += createdBy.length;
    if (this.#noted > MAX_HISTORY_MIB << 20) throw errors.longHistory(MAX_HISTORY_MIB);
    const { created } = this.facts;
    this.history.push({
      ...(created === undefined ? {} : { created }),
      createdBy,
      comment: HISTORY_COMMENT,
      ...(layer === 'empty' ? { emptyLayer: true } : {}),
    });
  }

  /** Instructions that make steps are counted in the names of steps, and so is an image it begins with. */
  expectSteps(instructions: readonly Instruction[], hasImage: boolean): void {
    const counted = instructions.filter(({ kind }) => ['copy', 'add', 'run', 'workdir'].includes(kind));
    this.#stepTotal = counted.length + (hasImage ? 1 : 0);
  }

  /** `[build 2/5] RUN make`. */
  nextName(text: string): string {
    if (this.#stepTotal === 0) return text;
    this.#steps += 1;
    return this.nameOf(text, this.#steps);
  }

  nameOf(text: string, step: number): string {
    const { showsPlatform, label } = this.facts;
    const number = String(step).padStart(String(this.#stepTotal).length);
    const words = [showsPlatform ? formatPlatform(this.platform) : '', label, `${number}/${this.#stepTotal}`];
    return `[${words.filter((word) => word !== '').join(' ')}] ${text}`;
  }

  /** What every step of an instruction says of itself. `text`: the instruction as shown, its variables replaced. */
  stepFacts(text: string, range: SourceRange): { name: string; source: SourceRange; ignoresCache: boolean } {
    return { name: this.nextName(text), source: range, ignoresCache: this.facts.ignoresCache };
  }
}
