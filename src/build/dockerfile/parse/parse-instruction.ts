/** One instruction out of its lines: the keyword decides how the rest is read. Pure. */
import { errors } from '../errors.ts';
import { hint } from '../suggest.ts';
import { type FlaggedText, Flags, splitFlags } from './flags.ts';
import { withBodies } from './heredoc.ts';
import type {
  ArgInstruction,
  FromInstruction,
  Heredoc,
  Instruction,
  OnBuildInstruction,
  Statement,
  TextInstruction,
  WordsInstruction,
} from './instruction.ts';
import type { LogicalLine } from './logical-lines.ts';
import { parseCopy } from './parse-copy.ts';
import { parseHealthcheck } from './parse-healthcheck.ts';
import { parseCommand, parseRun } from './parse-run.ts';
import { blankWords, jsonWords, pairWords, readPairs } from './words.ts';

interface Given extends FlaggedText {
  readonly statement: Statement;
  readonly escape: string;
  readonly heredocs: readonly Heredoc[];
}

type Parser = (given: Given) => Instruction | FromInstruction;

const PARSERS: Readonly<Record<string, Parser>> = {
  ADD: (given) => parseCopy(given.statement, 'add', given, given.heredocs),
  ARG: parseArg,
  CMD: commandParser('cmd'),
  COPY: (given) => parseCopy(given.statement, 'copy', given, given.heredocs),
  ENTRYPOINT: commandParser('entrypoint'),
  ENV: pairsParser('env'),
  EXPOSE: wordsParser('expose', ({ rest }) => blankWords(rest)),
  FROM: parseFrom,
  HEALTHCHECK: (given) => ({ ...given.statement, kind: 'healthcheck', healthcheck: parseHealthcheck(given) }),
  LABEL: pairsParser('label'),
  MAINTAINER: textParser('maintainer'),
  ONBUILD: parseOnBuild,
  RUN: (given) => parseRun(given.statement, given, given.heredocs),
  SHELL: wordsParser('shell', shellWords),
  STOPSIGNAL: textParser('stopsignal'),
  USER: textParser('user'),
  VOLUME: wordsParser('volume', ({ rest }) => jsonWords(rest) ?? blankWords(rest)),
  WORKDIR: textParser('workdir'),
};

export const instructionNames: readonly string[] = Object.keys(PARSERS);

/** Throws what is wrong with it, without its place. */
export function parseInstruction(line: LogicalLine, escape: string): Instruction | FromInstruction {
  const [, keyword, rest] = /^\s*(\S+)([^]*)$/.exec(line.text) as unknown as [string, string, string];
  const parser = PARSERS[keyword.toUpperCase()];
  if (!parser || !Object.hasOwn(PARSERS, keyword.toUpperCase())) {
    throw errors.unknownInstruction(keyword, hint(keyword, instructionNames));
  }
  const statement = { keyword, text: line.text.trim(), range: line.range, comments: line.comments };
  return parser({ statement, escape, heredocs: line.heredocs, ...splitFlags(rest) });
}

function parseFrom({ statement, flags: texts, rest }: Given): FromInstruction {
  const words = blankWords(rest);
  const [base = '', as = '', name = ''] = words;
  const isNamed = words.length === 3 && as.toLowerCase() === 'as';
  if (words.length !== 1 && !isNamed) throw errors.fromForm();
  if (isNamed && !/^[a-z][a-z0-9-_.]*$/.test(name.toLowerCase())) throw errors.stageName(name);
  const flags = new Flags(texts, { platform: 'text' });
  return { ...statement, kind: 'from', base, name: name.toLowerCase(), platform: flags.text('platform') };
}

function parseArg({ statement, flags, rest, escape }: Given): ArgInstruction {
  refuseFlags(flags);
  const words = pairWords(rest, escape);
  if (words.length === 0) throw errors.noArguments('ARG');
  const args = words.map((word) => {
    const at = word.indexOf('=');
    return at < 0 ? { name: word, value: undefined } : { name: word.slice(0, at), value: word.slice(at + 1) };
  });
  if (args.some(({ name }) => name === '')) throw errors.blankName('ARG');
  return { ...statement, kind: 'arg', args };
}

function pairsParser(kind: 'env' | 'label'): Parser {
  return ({ statement, flags, rest, escape }) => {
    refuseFlags(flags);
    return { ...statement, kind, ...readPairs(kind.toUpperCase(), rest, escape) };
  };
}

function commandParser(kind: 'cmd' | 'entrypoint'): Parser {
  return ({ statement, flags, rest }) => {
    refuseFlags(flags);
    return { ...statement, kind, command: parseCommand(rest) };
  };
}

function wordsParser(kind: WordsInstruction['kind'], wordsOf: (given: Given) => readonly string[]): Parser {
  return (given) => {
    refuseFlags(given.flags);
    const words = wordsOf(given);
    if (words.length === 0) throw errors.noArguments(kind.toUpperCase());
    return { ...given.statement, kind, words };
  };
}

function shellWords({ rest }: Given): readonly string[] {
  const words = rest === '' ? [] : jsonWords(rest);
  if (!words) throw errors.shellForm();
  return words;
}

function textParser(kind: TextInstruction['kind']): Parser {
  return ({ statement, flags, rest }) => {
    refuseFlags(flags);
    if (rest === '') throw errors.notOneArgument(kind.toUpperCase());
    return { ...statement, kind, value: rest };
  };
}

/** Its instruction is read when an image built from this one is built. */
function parseOnBuild({ statement, flags, rest, heredocs }: Given): OnBuildInstruction {
  refuseFlags(flags);
  if (rest === '') throw errors.noArguments('ONBUILD');
  const word = /^\S+/.exec(rest)![0];
  const name = word.toUpperCase();
  if (name === 'ONBUILD') throw errors.chainedOnBuild();
  if (name === 'FROM' || name === 'MAINTAINER') throw errors.badTrigger(name);
  if (!instructionNames.includes(name)) throw errors.unknownInstruction(word, hint(word, instructionNames));
  return { ...statement, kind: 'onbuild', trigger: withBodies(rest, heredocs) };
}

function refuseFlags(flags: readonly string[]): void {
  new Flags(flags, {});
}
