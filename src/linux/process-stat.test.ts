import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProcessStat, readProcessStat } from './process-stat.ts';

const tail = '1 7 7 0 -1 4194368 10 0 0 0 0 0 0 0 20 0 1 0 123456789 1 2 3';

test('a name with spaces and brackets does not shift the fields', () => {
  for (const name of ['(sh)', '(a b)', '(a) R 1 (b)', '())']) {
    const stat = parseProcessStat(`42 ${name} S ${tail}`);
    assert.deepEqual(stat, { state: 'S', parent: 1, session: 7, startTime: 123456789n, execed: false }, name);
  }
});

test('a process that runs a program is told from one that was only forked', () => {
  assert.equal(parseProcessStat(`42 (sh) Z ${tail.replace('4194368', '4194304')}`).execed, true);
});

test('this process is found, and a pid nobody has is not', () => {
  const stat = readProcessStat(process.pid);
  assert.equal(stat?.execed, true);
  assert.ok((stat?.startTime ?? 0n) > 0n);
  assert.equal(readProcessStat(2 ** 22 + 1), undefined);
});
