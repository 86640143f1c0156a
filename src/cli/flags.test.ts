import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, filterList, integer, list, text, toggle } from './flag-types.ts';
import { parseFlags } from './flags.ts';

const table = {
  all: toggle({ short: 'a', help: '' }),
  interactive: toggle({ short: 'i', help: '' }),
  tty: toggle({ short: 't', help: '' }),
  proxy: toggle({ help: '', initial: true }),
  env: list({ short: 'e', help: '' }),
  name: text({ help: '', aliases: ['nom'] }),
  number: integer({ short: 'n', help: '' }),
  memory: bytes({ short: 'm', help: '' }),
  filter: filterList({ short: 'f', help: '' }),
};

function check(
  line: string,
  expected: Record<string, unknown>,
  positionals: readonly string[] = [],
  interspersed = true,
) {
  test(`parseFlags() reads: ${line}`, () => {
    const parsed = parseFlags(
      table,
      line.split(' ').filter((word) => word !== ''),
      { interspersed },
    );
    const given = Object.fromEntries(Object.entries(parsed.values).filter(([name]) => parsed.given.has(name)));
    assert.deepEqual(given, expected);
    assert.deepEqual(parsed.positionals, positionals);
  });
}

check('', {});
check('-it', { interactive: true, tty: true });
check('-ita x', { interactive: true, tty: true, all: true }, ['x']);
check('-t=false -a=1', { tty: false, all: true });
check('--tty=false', { tty: false });
check('--proxy=f', { proxy: false });
check('--tty false', { tty: true }, ['false']);
check('-eA=1 -e B=2 -e=C=3 --env D --env=E=', { env: ['A=1', 'B=2', 'C=3', 'D', 'E='] });
check('-ie A', { interactive: true, env: ['A'] });
check('-n5', { number: 5 });
check('-n -5', { number: -5 });
check('-n=0x10', { number: 16 });
check('-n 010', { number: 8 });
check('-m 1.5k', { memory: 1536 });
check('--nom x', { name: 'x' });
check('--name=', { name: '' });
check('--name -x', { name: '-x' });
check('a -a b', { all: true }, ['a', 'b']);
check('-a b -i', { all: true }, ['b', '-i'], false);
check('-a -- -i', { all: true }, ['-i'], false);
check('-a -- -i', { all: true }, ['-i']);
check('b -- -i', {}, ['b', '--', '-i'], false);
check('- x', {}, ['-', 'x']);
check('-f a=b -f a=c --filter label=x=y', {
  filter: new Map([
    ['a', ['b', 'c']],
    ['label', ['x=y']],
  ]),
});

function refuses(line: string, message: string) {
  test(`parseFlags() refuses: ${line}`, () => {
    assert.throws(() => parseFlags(table, line.split(' '), { interspersed: true }), { message, exitCode: 125 });
  });
}

refuses('--foo', 'unknown flag: --foo');
refuses('--foo=1', 'unknown flag: --foo');
refuses('-z', "unknown shorthand flag: 'z' in -z");
refuses('-iz', "unknown shorthand flag: 'z' in -z");
refuses('-zi', "unknown shorthand flag: 'z' in -zi");
refuses('---x', 'bad flag syntax: ---x');
refuses('--=x', 'bad flag syntax: --=x');
refuses('--name', 'flag needs an argument: --name');
refuses('-ie', "flag needs an argument: 'e' in -e");
refuses('-n x', 'invalid argument "x" for "-n, --number" flag: strconv.ParseInt: parsing "x": invalid syntax');
refuses('-n 1e3', 'invalid argument "1e3" for "-n, --number" flag: strconv.ParseInt: parsing "1e3": invalid syntax');
refuses('-m x', `invalid argument "x" for "-m, --memory" flag: invalid size: 'x'`);
refuses(
  '--tty=maybe',
  'invalid argument "maybe" for "-t, --tty" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
);
refuses('-f x', `invalid argument "x" for "-f, --filter" flag: invalid filter: a filter is written 'name=value'`);

test('parseFlags() stops at --help, and at -h where no flag has that letter', () => {
  assert.equal(parseFlags(table, ['-a', '--help', '--foo'], { interspersed: true }).help, true);
  assert.equal(parseFlags(table, ['-h'], { interspersed: true }).help, true);
  const hostname = { hostname: text({ short: 'h', help: '' }) };
  assert.equal(parseFlags(hostname, ['-h', 'x'], { interspersed: true }).values.hostname, 'x');
});

test('a flag named like something every object has is unknown', () => {
  assert.throws(() => parseFlags(table, ['--constructor'], { interspersed: true }), {
    message: 'unknown flag: --constructor',
  });
});
