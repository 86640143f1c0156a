import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostCpuNs, parseHostCpuNs } from './host-cpu.ts';

test('parseHostCpuNs() adds up the first seven columns of all CPUs', () => {
  const check = (text: string, expected: number): void => assert.equal(parseHostCpuNs(text), expected);
  check('cpu  1 2 3 4 5 6 7 100 100 100\ncpu0 9 9 9 9 9 9 9 0 0 0\n', 280_000_000);
  check('intr 5\n', 0);
  assert.ok(hostCpuNs() > 0);
});
