import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCpuLists } from './cpu-lists.ts';

test('lists of CPUs and memory nodes are compared with what the host has', () => {
  const online = { cpus: '0-3,65', nodes: '0' };
  for (const cpus of ['', '0', '0-3', '1,3,65', '0,0']) checkCpuLists({ cpus, nodes: '' }, online);
  checkCpuLists({ cpus: '7', nodes: '9' }, { cpus: '', nodes: '' });
  for (const [cpus, nodes, message] of [
    ['4', '', 'Requested CPUs are not available - requested 4, available: 0-3,65'],
    ['0-999', '', 'Requested CPUs are not available - requested 0-999, available: 0-3,65'],
    ['66', '', 'Requested CPUs are not available - requested 66, available: 0-3,65'],
    ['0', '1', 'Requested memory nodes are not available - requested 1, available: 0'],
    ['x', '', 'Invalid value x for cpuset cpus: invalid format: x'],
    ['0,', '', 'Invalid value 0, for cpuset cpus: invalid format: 0,'],
    ['', '1-0', 'Invalid value 1-0 for cpuset mems: invalid format: 1-0'],
  ] as const) {
    assert.throws(() => checkCpuLists({ cpus, nodes }, online), { message });
  }
});
