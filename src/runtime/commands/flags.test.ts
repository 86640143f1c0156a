import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FlagTable, parseFlags } from './flags.ts';

const table = {
  all: { names: ['all', 'a'], kind: 'switch', about: '' },
  env: { names: ['env', 'e'], kind: 'texts', about: '' },
  fds: { names: ['preserve-fds'], kind: 'count', about: '' },
  file: { names: ['pid-file'], kind: 'text', about: '' },
} as const satisfies FlagTable;

const none = { all: false, env: [], fds: undefined, file: undefined };

test('flags are understood in every spelling of Go', () => {
  const check = (line: string, values: object, args: string[]): void => {
    const parsed = parseFlags(table, line.split(' '));
    assert.deepEqual(parsed, { values: { ...none, ...values }, args }, line);
  };
  check('--all id', { all: true }, ['id']);
  check('-a id', { all: true }, ['id']);
  check('-all id', { all: true }, ['id']);
  check('--all=false id', { all: false }, ['id']);
  check('--pid-file f --preserve-fds 3 id', { file: 'f', fds: 3 }, ['id']);
  check('--pid-file=a=b -e A=1 --env B=2 id', { file: 'a=b', env: ['A=1', 'B=2'] }, ['id']);
  check('--pid-file -- id', { file: '--' }, ['id']);
  check('-- -a', {}, ['-a']);
  check('id - -a', {}, ['id', '-', '-a']);
});

test('flags may follow the arguments where a command allows it', () => {
  assert.deepEqual(parseFlags(table, ['id', '-a', 'KILL'], true), {
    values: { ...none, all: true },
    args: ['id', 'KILL'],
  });
  assert.deepEqual(parseFlags(table, ['id', '--', '-a'], true), { values: none, args: ['id', '-a'] });
});

test('what is no flag, or no value of one, is refused by name', () => {
  const check = (line: string, expected: RegExp): void => {
    assert.throws(() => parseFlags(table, line.split(' ')), expected, line);
  };
  check('--foo id', /flag provided but not defined: -foo/);
  check('-x', /flag provided but not defined: -x/);
  check('--pid-file', /flag needs an argument: -pid-file/);
  check('--preserve-fds many', /invalid value "many" for flag -preserve-fds/);
  check('--preserve-fds -1', /invalid value "-1"/);
  check('--all=perhaps', /invalid boolean value "perhaps" for -all/);
});
