import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntries, toMap } from './environment.ts';

function check(text: string | Buffer, expected: readonly string[]) {
  test(`parseEntries(${JSON.stringify(text.toString())})`, () => {
    assert.deepEqual(parseEntries(Buffer.from(text as string), 'f'), expected);
  });
}

check('', []);
check('A=1\nB=2\n', ['A=1', 'B=2']);
check('# comment\n\n  #x\nA=1', ['A=1']);
check('A=1 # not a comment \r\nB=', ['A=1 # not a comment ', 'B=']);
check('  A= x ', ['A= x ']);
check('HOME\n', ['HOME']);
check('\uFEFFA=1', ['A=1']);
check('A="quotes stay"', ['A="quotes stay"']);
check('A=b=c', ['A=b=c']);

function refuses(bytes: Buffer, message: string) {
  test(`parseEntries() refuses ${JSON.stringify(bytes.toString('latin1'))}`, () => {
    assert.throws(() => parseEntries(bytes, 'f'), { message });
  });
}

refuses(Buffer.from('A=1\n=x'), "invalid env file (f), line 2: no variable name on line '=x'");
refuses(Buffer.from('A B=1'), "invalid env file (f), line 1: variable 'A B' contains whitespaces");
refuses(Buffer.from([0x41, 0x3d, 0xff]), 'invalid env file (f), line 1: it is not UTF-8');

test('toMap() takes the last of a key, and keys like __proto__ as they are', () => {
  assert.deepEqual(Object.entries(toMap(['a=1', 'b', 'a=2', '__proto__=x'])), [
    ['a', '2'],
    ['b', ''],
    ['__proto__', 'x'],
  ]);
});
