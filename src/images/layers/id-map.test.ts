import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerIdOf, hostIdOf } from './id-map.ts';

const RANGES = [
  { containerId: 0, hostId: 1000, size: 1 },
  { containerId: 1, hostId: 100_000, size: 65_535 },
];

test('ids are mapped both ways by the range that holds them', () => {
  const check = (inside: number, host: number | undefined): void => {
    assert.equal(hostIdOf(RANGES, inside), host);
    if (host !== undefined) assert.equal(containerIdOf(RANGES, host), inside);
  };
  check(0, 1000);
  check(1, 100_000);
  check(65_535, 165_534);
  check(65_536, undefined);
  assert.equal(containerIdOf(RANGES, 999), undefined);
  assert.equal(hostIdOf([], 0), undefined);
});
