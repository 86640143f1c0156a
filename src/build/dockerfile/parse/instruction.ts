/** A Dockerfile as a tree: stages of instructions, each knowing the lines it stands on. Plain data. */
import type { Healthcheck } from '#specs';
import type { SourceRange } from '../../graph.ts';
import type { LintFinding } from '../lint/linter.ts';
import type { Directives } from './directives.ts';

export interface Dockerfile {
  /** As it was given, for excerpts. */
  readonly text: string;
  readonly directives: Directives;
  /** `ARG`s before the first `FROM`. */
  readonly globalArgs: readonly ArgInstruction[];
  /** At least one. */
  readonly stages: readonly Stage[];
  /** What the linter has to say so far; its settings come later (`reported`). */
  readonly findings: readonly LintFinding[];
}

export interface Stage {
  readonly from: FromInstruction;
  readonly instructions: readonly Instruction[];
}

/** What every instruction has. */
export interface Statement {
  /** As written: `Run`. */
  readonly keyword: string;
  /** The whole instruction, continued lines joined, without heredoc bodies. */
  readonly text: string;
  readonly range: SourceRange;
  /** Comment lines directly above, without their `#`. */
  readonly comments: readonly string[];
}

export interface FromInstruction extends Statement {
  readonly kind: 'from';
  readonly base: string;
  /** In lower case; '' for none. */
  readonly name: string;
  /** '' for the build's. */
  readonly platform: string;
}

export interface ArgInstruction extends Statement {
  readonly kind: 'arg';
  readonly args: readonly ArgDefinition[];
}

export interface ArgDefinition {
  readonly name: string;
  readonly value: string | undefined;
}

/** ENV, LABEL. */
export interface PairsInstruction extends Statement {
  readonly kind: 'env' | 'label';
  readonly pairs: readonly (readonly [key: string, value: string])[];
  /** `ENV k v`. */
  readonly isLegacy: boolean;
}

export interface CopyInstruction extends Statement {
  readonly kind: 'copy' | 'add';
  readonly sources: readonly CopySource[];
  readonly target: string;
  /** Of COPY; '' for the build context. */
  readonly from: string;
  readonly owner: string;
  readonly mode: string;
  readonly isLinked: boolean;
  readonly keepsParents: boolean;
  readonly excludes: readonly string[];
  /** Of ADD; undefined when not said. */
  readonly keepsGitFolder: boolean | undefined;
  readonly checksum: string;
  readonly unpacks: boolean | undefined;
}

export type CopySource = string | Heredoc;

export interface Heredoc {
  readonly name: string;
  /** Lines, each with its line feed. */
  readonly content: string;
  /** `<<-`: leading tabs do not count. */
  readonly stripsTabs: boolean;
  /** The word was not quoted. */
  readonly expands: boolean;
}

/** A line for the shell, or the words of a JSON array. */
export type Command =
  | { readonly form: 'shell'; readonly line: string }
  | { readonly form: 'exec'; readonly words: readonly string[] };

export interface RunInstruction extends Statement {
  readonly kind: 'run';
  readonly command: Command;
  readonly heredocs: readonly Heredoc[];
  /** Texts of `--mount`, read when their variables have values. */
  readonly mounts: readonly string[];
  readonly network: 'default' | 'none' | 'host';
  readonly isPrivileged: boolean;
}

export interface CommandInstruction extends Statement {
  readonly kind: 'cmd' | 'entrypoint';
  readonly command: Command;
}

export interface HealthcheckInstruction extends Statement {
  readonly kind: 'healthcheck';
  readonly healthcheck: Healthcheck;
}

/** SHELL: words; EXPOSE: ports; VOLUME: paths. */
export interface WordsInstruction extends Statement {
  readonly kind: 'shell' | 'expose' | 'volume';
  readonly words: readonly string[];
}

export interface TextInstruction extends Statement {
  readonly kind: 'user' | 'workdir' | 'stopsignal' | 'maintainer';
  readonly value: string;
}

export interface OnBuildInstruction extends Statement {
  readonly kind: 'onbuild';
  /** The instruction, heredoc bodies included, as it goes into the image's config. */
  readonly trigger: string;
}

export type Instruction =
  | ArgInstruction
  | PairsInstruction
  | CopyInstruction
  | RunInstruction
  | CommandInstruction
  | HealthcheckInstruction
  | WordsInstruction
  | TextInstruction
  | OnBuildInstruction;
