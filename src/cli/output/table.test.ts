import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ellipsis, formatTable } from './table.ts';

test('formatTable() keeps columns three spaces apart and at least ten wide, the last one bare', () => {
  const rows = [
    ['ID', 'IMAGE', 'NAMES'],
    ['0123456789ab', 'x', 'web'],
    ['1', 'much/longer/name', ''],
  ];
  assert.equal(
    formatTable(rows),
    'ID             IMAGE              NAMES\n0123456789ab   x                  web\n1              much/longer/name   \n',
  );
  assert.equal(formatTable([['A', 'B', 'C']]), 'A         B         C\n');
  assert.equal(formatTable([['A', 'B']], { minWidth: 20 }), 'A                   B\n');
});

test('formatTable() counts characters, not bytes', () => {
  assert.equal(
    formatTable([
      ['"echo he…"12', 'x'],
      ['123456789012', 'y'],
    ]),
    '"echo he…"12   x\n123456789012   y\n',
  );
});

test('ellipsis() cuts to the length with the mark in it', () => {
  assert.equal(ellipsis('12345', 5), '12345');
  assert.equal(ellipsis('123456', 5), '1234…');
  assert.equal(ellipsis('', 5), '');
});
