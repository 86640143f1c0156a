import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findReference, isCommitId, isReferenceName } from './references.ts';

const id = (digit: string): string => digit.repeat(40);
const LIST = [
  `${id('1')}\tHEAD`,
  `${id('1')}\trefs/heads/main`,
  `${id('2')}\trefs/heads/both`,
  `${id('3')}\trefs/tags/both`,
  `${id('4')}\trefs/tags/v1`,
  `${id('5')}\trefs/tags/v1^{}`,
  `${id('6')}\trefs/tags/light`,
  `${id('7')}\trefs/heads/deep/main`,
  `${id('8')}\trefs/pull/7/head`,
  'warning: something else',
].join('\n');

test('a name is looked for as git checkout does, and tags with an object of their own give their commit', () => {
  const check = (ref: string, digit: string | undefined, name?: string): void =>
    assert.deepEqual(findReference(LIST, ref), digit === undefined ? undefined : { commit: id(digit), name }, ref);
  check('', '1', 'HEAD');
  check('main', '1', 'refs/heads/main');
  check('both', '2', 'refs/heads/both');
  check('refs/tags/both', '3', 'refs/tags/both');
  check('v1', '5', 'refs/tags/v1');
  check('light', '6', 'refs/tags/light');
  check('deep/main', '7', 'refs/heads/deep/main');
  check('pull/7/head', '8', 'refs/pull/7/head');
  check('refs/pull/7/head', '8', 'refs/pull/7/head');
  check('gone', undefined);
  check('warning: something else', undefined);
});

test('what git would take for an option, a pattern or two references is no name', () => {
  for (const name of ['', 'main', 'v1.2-rc', 'feature/ä', 'a@b', '1234abc']) assert.ok(isReferenceName(name), name);
  for (const name of [
    '-x',
    '--upload-pack=x',
    'a..b',
    'a b',
    'a:b',
    '*',
    'a^',
    'a~1',
    'a@{1}',
    'a.lock',
    '/a',
    'a\n',
  ]) {
    assert.ok(!isReferenceName(name), name);
  }
});

test('only a whole id is one', () => {
  assert.ok(isCommitId(id('a')) && isCommitId('a'.repeat(64)));
  assert.ok(!isCommitId('a'.repeat(39)) && !isCommitId('A'.repeat(40)) && !isCommitId('main'));
});
