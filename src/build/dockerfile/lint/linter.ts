/** Findings about a Dockerfile, and which of them its settings let through. Pure. */
import type { SourceRange } from '../../graph.ts';
import { errors } from '../errors.ts';
import { type LintRule, type LintRuleName, lintRules, pageOf } from './rules.ts';

export interface LintWarning {
  readonly rule: LintRuleName;
  readonly description: string;
  /** A page about the rule; '' for none. */
  readonly url: string;
  /** What is wrong here. */
  readonly detail: string;
  readonly range: SourceRange;
}

/** As found, before settings: with the comments above the instruction, where it can be excused. */
export interface LintFinding extends LintWarning {
  readonly comments: readonly string[];
}

export interface LintSettings {
  readonly skips: ReadonlySet<string>;
  readonly skipsAll: boolean;
  readonly experiments: ReadonlySet<string>;
  readonly experimentsAll: boolean;
  /** Findings let the build fail. */
  readonly isError: boolean;
}

/** What a finding is about: an instruction, or a part of one. */
export interface LintPlace {
  readonly range: SourceRange;
  readonly comments: readonly string[];
}

export function finding(rule: LintRuleName, { range, comments }: LintPlace, detail: string): LintFinding {
  return { rule, description: lintRules[rule].description, url: pageOf(rule), detail, range, comments };
}

/** `skip=A,B;error=true;experimental=all`. Throws `dockerfile.checkOption`. */
export function parseLintSettings(text: string): LintSettings {
  let settings: LintSettings = {
    skips: new Set(),
    skipsAll: false,
    experiments: new Set(),
    experimentsAll: false,
    isError: false,
  };
  for (const part of text.trim() === '' ? [] : text.split(';')) {
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    if (name === undefined || value === undefined) throw errors.checkOption(part);
    const names = new Set(value.split(',').map((word) => word.trim()));
    if (name === 'skip') settings = { ...settings, skips: names, skipsAll: names.has('all') };
    else if (name === 'experimental') settings = { ...settings, experiments: names, experimentsAll: names.has('all') };
    else if (name === 'error') settings = { ...settings, isError: booleanOf(value, part) };
    else throw errors.checkOption(name);
  }
  return settings;
}

function booleanOf(value: string, part: string): boolean {
  if (/^(?:1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  throw errors.checkOption(part);
}

/** What the settings, and comments above single instructions, leave; each once, in the order of lines. */
export function reported(findings: readonly LintFinding[], settings: LintSettings): LintWarning[] {
  const seen = new Set<string>();
  const warnings: LintWarning[] = [];
  for (const { comments, ...warning } of findings) {
    const key = `${warning.rule}\n${warning.range.start}\n${warning.detail}`;
    if (seen.has(key) || !isWanted(warning.rule, settings) || isExcused(warning.rule, comments)) continue;
    seen.add(key);
    warnings.push(warning);
  }
  return warnings.sort((a, b) => a.range.start - b.range.start);
}

/** Throws `dockerfile.lint` when the settings make errors of warnings. */
export function refuseWarnings(warnings: readonly LintWarning[], settings: LintSettings): void {
  if (!settings.isError || warnings.length === 0) return;
  throw errors.lint([...new Set(warnings.map(({ rule }) => rule))].sort().join(', '));
}

function isWanted(name: LintRuleName, settings: LintSettings): boolean {
  const rule: LintRule = lintRules[name];
  // compat: a rule asked for by its name is not skipped by `skip=all`.
  if (settings.experiments.has(name)) return !settings.skips.has(name);
  if (rule.isExperimental === true && !settings.experimentsAll) return false;
  return !settings.skipsAll && !settings.skips.has(name);
}

function isExcused(name: LintRuleName, comments: readonly string[]): boolean {
  return comments.some((comment) => {
    const [, options] = /^check\s*=\s*(.+)$/i.exec(comment) ?? [];
    const [, names] = /(?:^|;)\s*skip\s*=\s*([^;]+)/.exec(options ?? '') ?? [];
    const words = names?.split(',').map((word) => word.trim()) ?? [];
    return words.includes(name) || words.includes('all');
  });
}
