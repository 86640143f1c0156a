import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageName } from './image-name.ts';

test('a tag of its own counts more than the one in the name', () => {
  for (const [query, expected] of [
    ['', ''],
    ['repo=a', 'a'],
    ['repo=a:b', 'a:b'],
    ['repo=a&tag=c', 'a:c'],
    ['repo=a:b&tag=c', 'a:c'],
    ['repo=host:5000/a&tag=c', 'host:5000/a:c'],
    ['tag=c', ':c'],
  ] as const) {
    assert.equal(imageName(new URLSearchParams(query)), expected, query);
  }
});
