import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GitSource, parseGitUrl } from './git-url.ts';

const PLAIN: Omit<GitSource, 'url'> = {
  ref: '',
  subfolder: '',
  checksum: '',
  keepsGitFolder: undefined,
  hasSubmodules: true,
  time: 'checkout',
  fetchesByCommit: false,
};

test('parseGitUrl() knows repositories from other things', () => {
  const yes = [
    'https://github.com/a/b.git',
    'http://host:8080/a.git',
    'git://host/a',
    'ssh://git@host:22/a/b',
    'git@github.com:a/b',
    'git@github.com:a/b.git',
    'user-x@host.name:a',
    'HTTPS://host/a.GIT',
  ];
  const no = [
    'https://github.com/a/b',
    'https://host/a.git.tar',
    'https://host',
    'github.com/a/b',
    'a.git',
    './a.git',
    'git@host',
    'a b@c:d',
    'C:\\a',
    'file:///a.git',
    '',
  ];
  for (const url of yes) assert.equal(parseGitUrl(url)?.url, url);
  for (const url of no) assert.equal(parseGitUrl(url), undefined, url);
});

test('parseGitUrl() reads fragment and query', () => {
  const cases: readonly (readonly [rest: string, expected: Partial<GitSource>])[] = [
    ['', {}],
    ['#v1', { ref: 'v1' }],
    ['#:sub/x', { subfolder: 'sub/x' }],
    ['#v1:sub', { ref: 'v1', subfolder: 'sub' }],
    ['#', {}],
    ['?ref=v1', { ref: 'v1' }],
    ['?tag=v1', { ref: 'refs/tags/v1' }],
    ['?tag=refs/tags/v1', { ref: 'refs/tags/v1' }],
    ['?branch=x', { ref: 'refs/heads/x' }],
    ['?subdir=a/b', { subfolder: 'a/b' }],
    ['?checksum=abcd12', { checksum: 'abcd12', ref: 'abcd12' }],
    ['?commit=abcd12&ref=x', { checksum: 'abcd12', ref: 'x' }],
    ['?keep-git-dir', { keepsGitFolder: true }],
    ['?keep-git-dir=false', { keepsGitFolder: false }],
    ['?submodules', { hasSubmodules: true }],
    ['?submodules=false', { hasSubmodules: false }],
    ['?mtime=commit', { time: 'commit' }],
    ['?mtime=checkout', { time: 'checkout' }],
    ['?fetch-by-commit=1', { fetchesByCommit: true }],
    ['?ref=v1#v1', { ref: 'v1' }],
  ];
  for (const [rest, expected] of cases) {
    const url = 'https://host/a.git';
    assert.deepEqual(parseGitUrl(url + rest), { url, ...PLAIN, ...expected }, rest);
  }
});

test('parseGitUrl() refuses what contradicts itself', () => {
  const cases: readonly (readonly [rest: string, why: string])[] = [
    ['?ref=a#b', 'ref conflicts: "b" vs "a"'],
    ['?subdir=a#x:b', 'subdir conflicts: "b" vs "a"'],
    ['?tag=a&branch=b', 'branch conflicts with tag'],
    ['?tag=a&ref=b', 'ref conflicts: "refs/tags/a" vs "b"'],
    ['?ref=a&ref=b', 'query "ref" has multiple values'],
    ['?ref=', 'query "ref" has no value'],
    ['?nope=1', 'unexpected query "nope"'],
    ['?__proto__=1', 'unexpected query "__proto__"'],
    ['?submodules=maybe', 'invalid submodules value: "maybe"'],
    ['?mtime=now', 'invalid mtime value: "now"'],
    ['?checksum=xyz', '"xyz" is no beginning of a commit\'s id'],
  ];
  for (const [rest, why] of cases) {
    const url = `https://host/a.git${rest}`;
    assert.throws(() => parseGitUrl(url), { message: `git URL ${JSON.stringify(url)}: ${why}` }, rest);
  }
});
