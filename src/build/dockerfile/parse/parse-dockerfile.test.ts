import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import type { Instruction } from './instruction.ts';
import { directivesOf, parseDockerfile } from './parse-dockerfile.ts';

/** Instructions of the last stage, as keyword and text. */
const textsOf = (text: string): string[] =>
  parseDockerfile(text)
    .stages.at(-1)!
    .instructions.map((one) => one.text);
const rangesOf = (text: string): [number, number][] => {
  const { stages } = parseDockerfile(text);
  return stages.flatMap(({ from, instructions }) =>
    [from, ...instructions].map(({ range }): [number, number] => [range.start, range.end]),
  );
};

test('parseDockerfile() joins continued lines and drops comments and blank lines between them', () => {
  const cases: readonly (readonly [text: string, expected: readonly string[]])[] = [
    ['FROM a\nRUN b', ['RUN b']],
    ['FROM a\nRUN b\n', ['RUN b']],
    ['FROM a\r\nRUN b\r\n', ['RUN b']],
    ['\uFEFFFROM a\nRUN b', ['RUN b']],
    ['# comment\n\nFROM a\n  # another\n\tRUN b', ['RUN b']],
    ['FROM a\nRUN b \\\n c', ['RUN b  c']],
    ['FROM a\nRUN b\\\nc', ['RUN bc']],
    ['FROM a\nRUN b \\\r\n c\r\n', ['RUN b  c']],
    ['FROM a\nRUN b \\  \t\n c', ['RUN b  c']],
    ['FROM a\nRUN b \\\n# comment\n c', ['RUN b  c']],
    ['FROM a\nRUN b \\\n  # comment \\\n c', ['RUN b  c']],
    ['FROM a\nRUN b \\\n\n\n c', ['RUN b  c']],
    ['FROM a\nRUN b \\\n', ['RUN b']],
    ['FROM a\nRUN b \\', ['RUN b']],
    ['FROM a\nRUN b \\\\\nRUN c', ['RUN b \\\\', 'RUN c']],
    ['FROM a\nRUN b # no comment', ['RUN b # no comment']],
    ['FROM a\nRUN b `\nRUN c', ['RUN b `', 'RUN c']],
    ['# escape=`\nFROM a\nRUN b `\n c', ['RUN b  c']],
    ['# escape=`\nFROM a\nRUN b \\\nRUN c', ['RUN b \\', 'RUN c']],
    ['FROM a\n\\\nRUN b', ['RUN b']],
    ['FROM a\n\\\n\\\n', []],
    ['FROM a\n   run   b   c  ', ['run   b   c']],
    ['FROM a\nRUN\tb', ['RUN\tb']],
    ['FROM a\nRUN', ['RUN']],
  ];
  for (const [text, expected] of cases) assert.deepEqual(textsOf(text), expected, JSON.stringify(text));
});

test('parseDockerfile() knows on which lines an instruction stands', () => {
  assert.deepEqual(rangesOf('FROM a\nRUN b'), [
    [1, 1],
    [2, 2],
  ]);
  assert.deepEqual(rangesOf('\n# x\nFROM a\n\nRUN b \\\n# y\n c\nCMD d'), [
    [3, 3],
    [5, 7],
    [8, 8],
  ]);
  assert.deepEqual(rangesOf('FROM a\nRUN <<E\nx\n\nE\nCMD d'), [
    [1, 1],
    [2, 5],
    [6, 6],
  ]);
});

test('parseDockerfile() keeps the comments directly above an instruction', () => {
  const commentsOf = (text: string): readonly string[] => parseDockerfile(text).stages[0]!.from.comments;
  assert.deepEqual(commentsOf('# a\n# b\nFROM x'), ['a', 'b']);
  assert.deepEqual(commentsOf('# a\n\n# b\nFROM x'), ['b']);
  assert.deepEqual(commentsOf('# a\n#\n# b\nFROM x'), ['b']);
  assert.deepEqual(commentsOf('# a\n\nFROM x'), []);
  assert.deepEqual(commentsOf('  #a\nFROM x'), ['a']);
});

test('parseDockerfile() sorts instructions into global ARGs and stages', () => {
  const file = parseDockerfile('ARG a\nARG b=1\nFROM x AS One\nRUN c\nFROM one\nARG d\nCMD e');
  assert.deepEqual(
    file.globalArgs.flatMap(({ args }) => args),
    [
      { name: 'a', value: undefined },
      { name: 'b', value: '1' },
    ],
  );
  assert.deepEqual(
    file.stages.map(({ from, instructions }) => [from.base, from.name, instructions.length]),
    [
      ['x', 'one', 1],
      ['one', '', 2],
    ],
  );
});

test('directivesOf() reads directives until the first other line', () => {
  const none = { syntax: undefined, escape: '\\', check: undefined };
  const cases: readonly (readonly [text: string, expected: Partial<ReturnType<typeof directivesOf>>])[] = [
    ['FROM a', {}],
    ['# syntax=docker/dockerfile:1\nFROM a', { syntax: 'docker/dockerfile:1' }],
    ['#syntax = docker/dockerfile:1  \nFROM a', { syntax: 'docker/dockerfile:1' }],
    ['# SynTax=x\n# ESCAPE=`\n# check=skip=all', { syntax: 'x', escape: '`', check: 'skip=all' }],
    ['\uFEFF# syntax=x\n', { syntax: 'x' }],
    ['#!/usr/bin/env x\n# syntax=y\n', { syntax: 'y' }],
    ['# comment\n# syntax=x', {}],
    ['\n# syntax=x', {}],
    ['# unknown=1\n# syntax=x', {}],
    ['# syntax=x\nFROM a\n# escape=`', { syntax: 'x' }],
    ['# escape=\\\nFROM a', {}],
    ['// syntax=other/lang\ncode', { syntax: 'other/lang' }],
    ['{"syntax": "other/lang"}', { syntax: 'other/lang' }],
    ['{"syntax": 1}', {}],
    ['{"syntax": ', {}],
    ['# check=skip=A,B;error=true\nFROM a', { check: 'skip=A,B;error=true' }],
    ['# syntax=x\r\n# escape=`\r\nFROM a', { syntax: 'x', escape: '`' }],
    ['   # syntax=x\nFROM a', { syntax: 'x' }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(directivesOf(text), { ...none, ...expected }, text);
});

test('parseDockerfile() refuses a file that is none, saying where', () => {
  const long = `FROM a\nRUN ${'x'.repeat(65_532)}`;
  const cases: readonly (readonly [text: string, message: string, line: number | undefined])[] = [
    ['', 'the Dockerfile cannot be empty', undefined],
    ['\n\n', 'file with no instructions', undefined],
    ['# only a comment', 'file with no instructions', undefined],
    ['\\\n\\', 'file with no instructions', undefined],
    ['ARG a', 'dockerfile contains no stages to build', 1],
    ['RUN a\nFROM b', 'no build stage in current context', 1],
    ['ARG a\nENV b=c\nFROM d', 'no build stage in current context', 2],
    ['# escape=x\nFROM a', "invalid escape token 'x' does not match ` or \\", 1],
    ['# syntax=a\n# syntax=b\nFROM c', 'only one syntax parser directive can be used', 2],
    ['# escape=`\n# escape=`\nFROM c', 'only one escape parser directive can be used', 2],
    ['FROM a\nRUN <<E\nx', 'unterminated heredoc', 2],
    ['FROM a\nRUN <<E\nx\n E', 'unterminated heredoc', 2],
    ['FROM a\nCOPY <<A <<B /x\n1\nA\n2', 'unterminated heredoc', 2],
    [long, 'dockerfile line greater than max allowed size of 65535', 2],
    ['FROM a\nRUNN b', 'dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)', 2],
    ['FROM a\ncpoy b c', 'dockerfile parse error on line 2: unknown instruction: cpoy (did you mean COPY?)', 2],
    ['FROM a\n\nNOTHING \\\nworld', 'dockerfile parse error on line 3: unknown instruction: NOTHING', 3],
    ['FROM a\n__proto__ b', 'dockerfile parse error on line 2: unknown instruction: __proto__', 2],
    ['FRM a', 'dockerfile parse error on line 1: unknown instruction: FRM (did you mean FROM?)', 1],
  ];
  for (const [text, message, line] of cases) {
    assert.throws(
      () => parseDockerfile(text),
      (error) => {
        assert.ok(error instanceof SkiffError);
        assert.equal(error.message, message);
        assert.equal(error.kind, 'invalid');
        assert.match(error.code, /^dockerfile\./);
        assert.equal(error.details['line'], line);
        return true;
      },
      text.slice(0, 60),
    );
  }
});

test('a line may be as long as the limit', () => {
  assert.equal(textsOf(`FROM a\nRUN ${'x'.repeat(65_531)}`)[0]!.length, 65_535);
});

test('instructions are read whatever their case', () => {
  const kinds = (text: string): Instruction['kind'][] =>
    parseDockerfile(text).stages[0]!.instructions.map(({ kind }) => kind);
  assert.deepEqual(kinds('from a\nrun b\nCmd c\nEnV d=e\nonBuild RUN x'), ['run', 'cmd', 'env', 'onbuild']);
});
