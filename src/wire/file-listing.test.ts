import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareListed, isListedPath } from './file-listing.ts';

test('a listed path leads nowhere but inside', () => {
  for (const path of ['a', 'a/b', '.a', '...', 'a b/ü']) assert.ok(isListedPath(path), path);
  for (const path of ['', '/', '/a', 'a/', 'a//b', '.', 'a/.', '..', 'a/../b', 'a\0']) {
    assert.ok(!isListedPath(path), JSON.stringify(path));
  }
});

test('a folder comes before what is in it, and that before its neighbours', () => {
  const sorted = ['a', 'a/b', 'a/b/c', 'a-b', 'a.b', 'b', '\u00fc'];
  assert.deepEqual(sorted.toReversed().sort(compareListed), sorted);
});
