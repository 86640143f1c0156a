import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IgnoreMatcher } from './ignore-matcher.ts';
import { ignoreFileNames, parseIgnore } from './parse-ignore.ts';

test('parseIgnore() cleans lines up', () => {
  const cases: readonly (readonly [text: string, patterns: readonly string[]])[] = [
    ['', []],
    ['a\nb\r\nc', ['a', 'b', 'c']],
    ['\uFEFFa', ['a']],
    ['# comment\na', ['a']],
    [' # no comment', ['# no comment']],
    ['\n  \n\ta  ', ['a']],
    ['/a', ['a']],
    ['/', ['/']],
    ['a/', ['a']],
    ['./a//b/../c', ['a/c']],
    ['!a', ['!a']],
    ['! /a/ ', ['!a']],
    ['!', ['!']],
    ['.', ['.']],
    ['**/*.md', ['**/*.md']],
    ['\\#a', ['\\#a']],
    ['a b', ['a b']],
  ];
  for (const [text, patterns] of cases) assert.deepEqual(parseIgnore(text), patterns, JSON.stringify(text));
});

test('the ignore file beside the Dockerfile comes first', () => {
  assert.deepEqual(ignoreFileNames('docker/app.Dockerfile'), ['docker/app.Dockerfile.dockerignore', '.dockerignore']);
});

test('IgnoreMatcher leaves out what a pattern matches', () => {
  const cases: readonly (readonly [pattern: string, path: string, isOut: boolean])[] = [
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', 'ab', false],
    ['a', 'b/a', false],
    ['a', 'a/b/c', true],
    ['a/b', 'a/b', true],
    ['a/b', 'a', false],
    ['a/b', 'a/b/c', true],
    ['/a', 'a', true],
    ['a/', 'a', true],
    ['*', 'a', true],
    ['*', 'a/b', true],
    ['*.md', 'x.md', true],
    ['*.md', 'a/x.md', false],
    ['*/*.md', 'a/x.md', true],
    ['*/*.md', 'a/b/x.md', false],
    ['a?', 'ab', true],
    ['a?', 'a', false],
    ['a?', 'a/b', false],
    ['a?c', 'a/c', false],
    ['**', 'a/b/c', true],
    ['**/*.md', 'x.md', true],
    ['**/*.md', 'a/b/x.md', true],
    ['**/b', 'a/b/c', true],
    ['**/b', 'ab', false],
    ['a/**', 'a/b', true],
    ['a/**', 'a', false],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'ab', false],
    ['a**', 'ab/c', true],
    ['**b', 'a/b', true],
    ['a**/b', 'a/b', true],
    ['a**/b', 'ab', true],
    ['[ab]c', 'ac', true],
    ['[ab]c', 'cc', false],
    ['[a-c]', 'b', true],
    ['[^a-c]', 'b', false],
    ['[^a-c]', 'd', true],
    ['[^a]', '/', false],
    ['a[\\]]', 'a]', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\?b', 'a?b', true],
    ['.git', '.git/config', true],
    ['.', 'a', false],
    ['a.b', 'axb', false],
    ['a(b', 'a(b', true],
    ['a+', 'aa', false],
    ['é*', 'éa', true],
    ['日?', '日本', true],
    ['?', '😀', true],
    ['*a*a*a*b', 'aaaaaaaaaaab', true],
  ];
  for (const [pattern, path, isOut] of cases) {
    assert.equal(new IgnoreMatcher([pattern]).excludes(path), isOut, `${pattern} ${path}`);
  }
});

test('later patterns win, and a folder decides for its content', () => {
  const cases: readonly (readonly [patterns: readonly string[], path: string, isOut: boolean])[] = [
    [['*', '!a'], 'a', false],
    [['*', '!a'], 'b', true],
    [['*', '!a'], 'a/b', false],
    [['!a', '*'], 'a', true],
    [['*.md', '!README.md', 'README*'], 'README.md', true],
    [['*.md', '!README*.md', 'README-secret.md'], 'README-x.md', false],
    [['*.md', '!README*.md', 'README-secret.md'], 'README-secret.md', true],
    [['a', '!a/b'], 'a/b', false],
    [['a', '!a/b'], 'a/c', true],
    [['a', '!a/b'], 'a/b/c', false],
    [['a', '!a/b', 'a/b/c'], 'a/b/c/d', true],
    [['**', '!**/*.ts'], 'x/y.ts', false],
    [['**', '!**/*.ts'], 'x/y.js', true],
    [[], 'a', false],
    [['*'], '.', false],
    [['*'], '', false],
    [['a'], './a', true],
    [['a'], '/a', true],
    [['a'], 'a/', true],
    [['', '  '], 'a', false],
    [['.dockerignore', 'Dockerfile'], 'Dockerfile', true],
  ];
  for (const [patterns, path, isOut] of cases) {
    assert.equal(new IgnoreMatcher(patterns).excludes(path), isOut, `${patterns.join(' ')}: ${path}`);
  }
});

test('mayIncludeBelow() says whether a folder that is out has to be entered', () => {
  const cases: readonly (readonly [patterns: readonly string[], folder: string, may: boolean])[] = [
    [['a'], 'a', false],
    [['a', '!a/b'], 'a', true],
    [['a', '!a/b/c'], 'a/b', true],
    [['a', '!b'], 'a', false],
    [['*', '!**/x'], 'a/b', true],
    [['*', '!a*'], 'ab', true],
    [['*', '!b*'], 'ab', false],
    [['node_modules', '!src/**'], 'node_modules', false],
  ];
  for (const [patterns, folder, may] of cases) {
    assert.equal(new IgnoreMatcher(patterns).mayIncludeBelow(folder), may, `${patterns.join(' ')}: ${folder}`);
  }
});

test('malformed patterns are refused by name', () => {
  for (const pattern of ['!', '[', '[]', 'a[', '[a', '[a-', '[a-]', '[-a]', '[z-a]', 'a\\', '[\\', '[^]', '[^']) {
    assert.throws(
      () => new IgnoreMatcher([pattern]),
      (error: Error) => error.message.startsWith(`pattern ${JSON.stringify(pattern)}: `),
      pattern,
    );
  }
});

test('a long pattern against a long path takes no time', () => {
  const before = performance.now();
  const matcher = new IgnoreMatcher([`${'*a'.repeat(100)}b`, `${'**/a'.repeat(50)}/b`]);
  assert.equal(matcher.excludes('a'.repeat(500)), false);
  assert.equal(matcher.excludes('a/'.repeat(200)), false);
  assert.ok(performance.now() - before < 5000);
});

test('a walk of many folders gives what single questions give', () => {
  const matcher = new IgnoreMatcher(['**/node_modules', '!keep/node_modules', 'a/*/c']);
  const paths = ['a', 'a/b', 'a/b/c', 'a/b/c/d', 'keep/node_modules/x', 'x/node_modules/y', 'node_modules'];
  const walked = paths.map((path) => matcher.excludes(path));
  const single = paths.map((path) =>
    new IgnoreMatcher(['**/node_modules', '!keep/node_modules', 'a/*/c']).excludes(path),
  );
  assert.deepEqual(walked, single);
  assert.deepEqual(walked, [false, false, true, true, false, true, true]);
});
