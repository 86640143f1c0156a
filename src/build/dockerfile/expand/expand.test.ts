import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandToWords, expandWord } from './expand.ts';

const VALUES: Readonly<Record<string, string>> = {
  v: 'value',
  empty: '',
  path: '/usr/local/lib/libfoo.so.1',
  star: '*',
  two: 'a b',
  _x1: 'under',
  é: 'accent',
};
const valueOf = (name: string): string | undefined => (Object.hasOwn(VALUES, name) ? VALUES[name] : undefined);

function check(escape: string, cases: readonly (readonly [word: string, expected: string])[]): void {
  for (const [word, expected] of cases) assert.equal(expandWord(word, valueOf, { escape }).text, expected, word);
}

function checkRefused(cases: readonly (readonly [word: string, message: RegExp])[]): void {
  for (const [word, message] of cases) {
    assert.throws(() => expandWord(word, valueOf, { escape: '\\' }), { name: 'SkiffError', message }, word);
  }
}

test('expandWord() removes quotes and escapes, and replaces plain variables', () => {
  check('\\', [
    ['', ''],
    ['plain', 'plain'],
    ['$v', 'value'],
    ['${v}', 'value'],
    ['a$v/b', 'avalue/b'],
    ['$v$v', 'valuevalue'],
    ['${v}x', 'valuex'],
    ['$vx', ''],
    ['$none', ''],
    ['${none}', ''],
    ['$_x1-', 'under-'],
    ['$é!', 'accent!'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$ v', '$ v'],
    ['$.v', '$.v'],
    ['$/x', '$/x'],
    ['$1', ''],
    ['$12a', 'a'],
    ['$@x', 'x'],
    ['\\$v', '$v'],
    ['\\${v}', '${v}'],
    ['\\\\$v', '\\value'],
    ['a\\ b', 'a b'],
    ['a\\', 'a'],
    ['\\a', 'a'],
    ["'$v'", '$v'],
    ["'a\\'", 'a\\'],
    ['"$v"', 'value'],
    ['"a b"', 'a b'],
    ['"\\$v"', '$v'],
    ['"\\""', '"'],
    ['"\\a"', '\\a'],
    ['"\\\\"', '\\'],
    ['""', ''],
    ["''", ''],
    ['a"b"c\'d\'e', 'abcde'],
    ['"it\'s"', "it's"],
    ['\'say "x"\'', 'say "x"'],
    ['$two', 'a b'],
    ['日本$v', '日本value'],
    ['😀$v', '😀value'],
    ['`$v`', '`value`'],
  ]);
});

test('expandWord() takes the escape character of the file', () => {
  check('`', [
    ['`$v', '$v'],
    ['C:\\$v', 'C:\\value'],
    ['\\a', '\\a'],
    ['"`""', '"'],
    ['"\\"', '\\'],
    ['``', '`'],
    ['a`', 'a'],
  ]);
});

test('expandWord() knows defaults, alternatives and refusals', () => {
  check('\\', [
    ['${v:-w}', 'value'],
    ['${v-w}', 'value'],
    ['${none:-w}', 'w'],
    ['${none-w}', 'w'],
    ['${empty:-w}', 'w'],
    ['${empty-w}', ''],
    ['${none:-}', ''],
    ['${none:-$v}', 'value'],
    ['${none:-${v}}', 'value'],
    ['${none:-${none:-${v}x}y}z', 'valuexyz'],
    ['${none:-"a}b"}', 'a}b'],
    ["${none:-'$v'}", '$v'],
    ['${none:-a\\}b}', 'a}b'],
    ['"${none:-"x y"}"', 'x y'],
    ['${none:-a b}', 'a b'],
    ['${v:+w}', 'w'],
    ['${v+w}', 'w'],
    ['${none:+w}', ''],
    ['${none+w}', ''],
    ['${empty:+w}', ''],
    ['${empty+w}', 'w'],
    ['${v:+$v-$v}', 'value-value'],
    ['${v:?no}', 'value'],
    ['${v?no}', 'value'],
    ['${empty?no}', ''],
  ]);
  checkRefused([
    ['${none:?no such}', /: none: no such$/],
    ['${none?no such}', /: none: no such$/],
    ['${empty:?no such}', /: empty: no such$/],
    ['${none:?"quoted $v"}', /^failed to process "\$\{none:\?\\"quoted \$v\\"\}": none: quoted value$/],
    ['${none?}', /: none: is not allowed to be unset$/],
    ['${none:?}', /: none: is not allowed to be unset$/],
    ['${empty:?}', /: empty: is not allowed to be empty$/],
  ]);
});

test('expandWord() strips and replaces by patterns', () => {
  check('\\', [
    ['${path#*/}', 'usr/local/lib/libfoo.so.1'],
    ['${path##*/}', 'libfoo.so.1'],
    ['${path%/*}', '/usr/local/lib'],
    ['${path%%/*}', ''],
    ['${path%.*}', '/usr/local/lib/libfoo.so'],
    ['${path%%.*}', '/usr/local/lib/libfoo'],
    ['${path#/usr}', '/local/lib/libfoo.so.1'],
    ['${path#usr}', '/usr/local/lib/libfoo.so.1'],
    ['${path#?usr}', '/local/lib/libfoo.so.1'],
    ['${path%?}', '/usr/local/lib/libfoo.so.'],
    ['${path#}', '/usr/local/lib/libfoo.so.1'],
    ['${path#*}', '/usr/local/lib/libfoo.so.1'],
    ['${path##*}', ''],
    ['${path%*}', '/usr/local/lib/libfoo.so.1'],
    ['${path%%*}', ''],
    ['${star#\\*}', ''],
    ['${v#\\*}', 'value'],
    ['${v#[vx]}', 'value'],
    ['${v#$v}', ''],
    ['${none#x}', ''],
    ['${path/lib/LIB}', '/usr/local/LIB/libfoo.so.1'],
    ['${path//lib/LIB}', '/usr/local/LIB/LIBfoo.so.1'],
    ['${path//\\//-}', '-usr-local-lib-libfoo.so.1'],
    ['${path/lib*/X}', '/usr/local/X'],
    ['${path//l?b/X}', '/usr/local/X/Xfoo.so.1'],
    ['${v/a/}', 'vlue'],
    ['${v//?/x}', 'xxxxx'],
    ['${v/nothing/x}', 'value'],
    ['${v/$v/${two}}', 'a b'],
    ['${v//e/$v}', 'valuvalue'],
    ['${v/a*u/-}', 'v-e'],
    ['${two/ /_}', 'a_b'],
  ]);
});

test('expandWord() refuses what is malformed', () => {
  checkRefused([
    ['${', /missing '}'/],
    ['${v', /missing '}'/],
    ['${v:', /missing '}'/],
    ['${v:-x', /missing '}'/],
    ['${v#x', /missing '}'/],
    ['${v/x', /missing '}'/],
    ['${v/x/y', /missing '}'/],
    ['${}', /bad substitution/],
    ['${:}', /bad substitution/],
    ['${{v}}', /bad substitution/],
    ['${ v}', /bad substitution/],
    ['${v^^}', /unsupported modifier \(\^\) in substitution/],
    ['${v,,}', /unsupported modifier \(,\)/],
    ['${v:1:2}', /unsupported modifier \(:1\)/],
    ['${v:#x}', /unsupported modifier \(:#\)/],
    ['${v!}', /unsupported modifier \(!\)/],
    ['"', /looking for matching double-quote/],
    ['"abc', /looking for matching double-quote/],
    ['"abc\\', /looking for matching double-quote/],
    ["'", /looking for matching single-quote/],
    ["a'b", /looking for matching single-quote/],
    [`${'${a:-'.repeat(2000)}`, /nested deeper than 100 levels/],
  ]);
});

test('expandWord() bounds what variables grow to', () => {
  const big = 'x'.repeat(600_000);
  assert.throws(() => expandWord('$a$a', () => big, { escape: '\\' }), { code: 'dockerfile.longExpansion' });
  assert.throws(() => expandWord('"$a$a"', () => big, { escape: '\\' }), { code: 'dockerfile.longExpansion' });
});

test('expandWord() says which variables it used, and which were nowhere', () => {
  const seen = (word: string): [string[], string[]] => {
    const { used, missing } = expandWord(word, valueOf, { escape: '\\' });
    return [[...used], [...missing]];
  };
  assert.deepEqual(seen('$v $none ${empty}'), [['v', 'empty'], ['none']]);
  assert.deepEqual(seen('${none:-x} ${other+y}'), [[], []]);
  assert.deepEqual(seen('${none:-$third}'), [[], ['third']]);
  assert.deepEqual(seen('${none#x}'), [[], ['none']]);
  assert.deepEqual(seen("'$none' \\$none"), [[], []]);
});

test('expandWord() leaves quotes alone in the body of a heredoc', () => {
  const body = (text: string): string => expandWord(text, valueOf, { escape: '\\', ignoresQuotes: true }).text;
  assert.equal(body('say "$v"\n'), 'say "value"\n');
  assert.equal(body("it's $v\n"), "it's value\n");
  assert.equal(body('\\$v\n'), '$v\n');
  assert.equal(body('\\\\\n'), '\\\n');
  assert.equal(body('${none:-"x"}'), '"x"');
});

test('expandWord() for display keeps quotes, and variables without a value', () => {
  const shown = (text: string): string => expandWord(text, valueOf, { escape: '\\', isForDisplay: true }).text;
  assert.equal(shown('RUN echo "$v" $none ${none:-x} \'$v\' \\$v'), 'RUN echo "value" $none ${none:-x} \'$v\' $v');
});

test('expandToWords() cuts at blanks, also those of values', () => {
  const words = (text: string): string[] => expandToWords(text, valueOf, { escape: '\\' });
  assert.deepEqual(words('$two'), ['a', 'b']);
  assert.deepEqual(words('$none'), []);
  assert.deepEqual(words('x$two'), ['xa', 'b']);
});
