import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isContainerId, newContainerId, randomHex } from './ids.ts';

test('random digits of any length, and none twice', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 1000; i++) {
    const bytes = [1, 8, 32, 33, 4096][i % 5]!;
    const text = randomHex(bytes);
    assert.match(text, /^[0-9a-f]+$/);
    assert.equal(text.length, 2 * bytes);
    if (bytes >= 8) seen.add(text.slice(0, 16));
  }
  assert.equal(seen.size, 800);
});

test('the digits of many ids are all as frequent', () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 2000; i++) for (const digit of randomHex(16)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  assert.equal(counts.size, 16);
  // 4,000 each; the standard deviation is 61.
  for (const [digit, count] of counts) assert.ok(Math.abs(count - 4000) < 500, `${digit}: ${count}`);
});

test('ids of containers, whose short forms are no numbers', () => {
  for (let i = 0; i < 500; i++) {
    const id = newContainerId();
    assert.ok(isContainerId(id));
    assert.doesNotMatch(id.slice(0, 12), /^\d+$/);
  }
});
