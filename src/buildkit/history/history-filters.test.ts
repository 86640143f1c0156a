import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PastBuild } from '#build';
import { readHistoryFilters } from './history-filters.ts';

const build: PastBuild = {
  ...{ version: 1, ref: 'abcdef', frontend: '', exporters: [], answer: {}, statements: {}, isList: false },
  ...{ isPinned: false, generation: 0, steps: { total: 1, completed: 1, cached: 0, warnings: 0 } },
  attributes: { 'vcs:source': 'https://example.com/a.git' },
  createdAt: '2026-01-02T03:04:05.5Z',
  completedAt: '2026-01-02T03:04:35.5Z',
};
const NOW = Date.parse('2026-01-02T04:00:00Z');

test('filters of builds: all of one, any of several', () => {
  const cases: readonly (readonly [filters: readonly string[], expected: boolean])[] = [
    [[], true],
    [[''], true],
    [['status==completed'], true],
    [['status==error'], false],
    [['status==error', 'ref~=cde'], true],
    [['status==completed,ref==abc'], false],
    [['ref!=abc'], true],
    [['repository~=example.com'], true],
    [['duration>10s'], true],
    [['duration<=30s'], true],
    [['duration<30s'], false],
    [['startedAt>1h'], true],
    [['completedAt<30m'], true],
    [['completedAt>=2026-01-02T03:04:35Z'], true],
    [['"status==completed"'], true],
  ];
  for (const [filters, expected] of cases) {
    assert.equal(readHistoryFilters(filters, NOW)(build), expected, filters.join(' or '));
  }
  const ended = (message: string): PastBuild => ({ ...build, error: { code: 2, message } });
  assert.equal(readHistoryFilters(['status==canceled'], NOW)(ended('x: context canceled')), true);
  assert.equal(readHistoryFilters(['status==error'], NOW)(ended('x')), true);
  for (const text of ['name==x', 'status>1', 'duration==1s', 'duration>x', 'startedAt<2026-99', 'status']) {
    assert.throws(() => readHistoryFilters([text], NOW), { code: 'buildkit.badHistoryFilter' }, text);
  }
});

test('fuzz: whatever a filter is, it is read or refused by name', () => {
  const words = [
    'ref',
    'status',
    'duration',
    'startedAt',
    'repository',
    '==',
    '~=',
    '>=',
    '<',
    '"',
    ',',
    '1h',
    '2026-01-02',
    '',
  ];
  const pick = (): string => words[Math.floor(Math.random() * words.length)]!;
  for (const end = performance.now() + 100; performance.now() < end; ) {
    const text = Array.from({ length: Math.floor(Math.random() * 8) }, pick).join('');
    try {
      assert.equal(typeof readHistoryFilters([text], NOW)(build), 'boolean');
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'buildkit.badHistoryFilter', text);
    }
  }
});
