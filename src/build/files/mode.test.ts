import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMode } from './mode.ts';

test('parseMode() reads octal and symbolic modes', () => {
  const check = (text: string, mode: number, expected: number, isFolder = false): void =>
    assert.equal(parseMode(text)(mode, isFolder).toString(8), expected.toString(8), `${text} of ${mode.toString(8)}`);
  check('', 0o640, 0o640);
  check('755', 0o640, 0o755);
  check('0755', 0o640, 0o755);
  check('4711', 0o640, 0o4711);
  check('u+x', 0o640, 0o740);
  check('+x', 0o640, 0o751);
  check('a=rX', 0o640, 0o444);
  check('a=rX', 0o740, 0o555);
  check('a=rX', 0o700, 0o555, true);
  check('go-rwx', 0o777, 0o700);
  check('u=rwx,g=rx,o=', 0o666, 0o750);
  check('g=u', 0o640, 0o660);
  check('u+s', 0o755, 0o4755);
  check('g+s', 0o755, 0o2755, true);
  check('+t', 0o777, 0o1777, true);
  check('u+w-x', 0o555, 0o655);
  for (const bad of ['x', '8', '77777', 'u+q', 'u', '+x,', '-1', '10000']) {
    assert.throws(() => parseMode(bad), { code: 'build.badMode' }, bad);
  }
});
