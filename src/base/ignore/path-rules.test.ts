import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IgnoreMatcher } from './ignore-matcher.ts';
import { compileWildcard } from './wildcard.ts';

test('compileWildcard() is filepath.Match, with double stars', () => {
  const check = (pattern: string, path: string, expected: boolean): void =>
    assert.equal(compileWildcard(pattern).matches(path), expected, `${pattern} ${path}`);
  check('*.go', 'a.go', true);
  check('*.go', 'd/a.go', false);
  check('d/*', 'd/a', true);
  check('d/*', 'd/a/b', false);
  check('?.txt', 'a.txt', true);
  check('?.txt', '/.txt', false);
  check('a[bc]d', 'acd', true);
  check('a[^bc]d', 'acd', false);
  check('a[^bc]d', 'axd', true);
  check('a[^bc]d', 'a/d', false);
  check('a[0-9]', 'a7', true);
  check('a\\*b', 'a*b', true);
  check('a\\*b', 'axb', false);
  check('a[\\]]b', 'a]b', true);
  check('a.b', 'axb', false);
  check('**', 'a', true);
  for (const bad of ['[', 'a[', 'a[]', 'a[-x]', 'a[x-]', 'a\\', '[^']) {
    assert.throws(() => compileWildcard(bad), { code: 'pattern.bad' }, bad);
  }
});

test('of rules the last that matches decides, and a folder takes along what is in it', () => {
  const check = (patterns: readonly string[], excluded: readonly string[], kept: readonly string[]): void => {
    const rules = new IgnoreMatcher(patterns);
    for (const path of excluded) assert.ok(rules.excludes(path), `${patterns.join(' ')}: ${path}`);
    for (const path of kept) assert.ok(!rules.excludes(path), `${patterns.join(' ')}: ${path}`);
  };
  check(['a'], ['a', 'a/b', 'a/b/c'], ['b', 'ab', 'b/a']);
  check(['/a/', './b', 'c/../d'], ['a/x', 'b', 'd'], ['c']);
  check(['*', '!keep'], ['a', 'a/b'], ['keep', 'keep/a']);
  check(['a', '!a/b', 'a/b/c'], ['a/x', 'a/b/c'], ['a/b', 'a/b/d']);
  check(['**/node_modules'], ['node_modules', 'x/y/node_modules/z'], ['my_node_modules']);
  check(['**'], ['a', 'a/b'], []);
  check(['a/**/b'], ['a/b', 'a/x/b', 'a/x/y/b/c'], ['a/xb']);
  check(['a/**'], ['a/b', 'a/b/c'], ['a', 'ab']);
  check(['**/*.md', '!README.md'], ['x/a.md', 'x/README.md'], ['README.md']);
  check(['', '  ', '.'], [], ['a']);
  assert.throws(() => new IgnoreMatcher(['!']), { code: 'pattern.bad' });
});
