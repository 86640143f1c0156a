import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CacheUsage } from '#build';
import { readCacheFilters } from './cache-filters.ts';

const usage: CacheUsage = {
  ...{ id: 'abcdef', parents: ['p1'], kind: 'regular', description: 'RUN true', isInUse: false, isShared: true },
  ...{ sizeBytes: 1, createdAt: '', lastUsedAt: '', useCount: 0 },
};

test('filters as clients write them: all of one, any of several', () => {
  const cases: readonly (readonly [filters: readonly string[], expected: boolean])[] = [
    [[], true],
    [[''], true],
    [['id==abcdef'], true],
    [['id==abc'], false],
    [['id~=abc'], true],
    [['id!=abc'], true],
    [['type==regular,shared'], true],
    [['type==regular,private'], false],
    [['private', 'parents==p1'], true],
    [['description=="RUN true"'], true],
    [['inuse'], false],
    [['shared==true'], true],
  ];
  for (const [filters, expected] of cases) assert.equal(readCacheFilters(filters)(usage), expected, filters.join(' '));
});

test('what is no filter is refused with its text', () => {
  for (const text of ['colour==red', 'id', 'ID==x', 'type=regular', '==x']) {
    assert.throws(() => readCacheFilters([text]), { code: 'buildkit.badFilter' }, text);
  }
});
