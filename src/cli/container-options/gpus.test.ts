import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGpus } from './gpus.ts';

const usual = { Driver: '', Count: 1, DeviceIDs: null, Capabilities: [['gpu']], Options: {} };

test('--gpus as docker reads it', () => {
  for (const [text, changed] of [
    ['all', { Count: -1 }],
    ['2', { Count: 2 }],
    ['count=all', { Count: -1 }],
    ['device=0', { Count: 0, DeviceIDs: ['0'] }],
    ['"device=0,1"', { Count: 0, DeviceIDs: ['0', '1'] }],
    [
      'driver=nvidia,"capabilities=compute,utility"',
      { Driver: 'nvidia', Capabilities: [['compute', 'utility', 'gpu']] },
    ],
    ['all,"options=""a=b"",c=d"', { Count: -1, Options: { a: 'b', c: 'd' } }],
  ] as const) {
    assert.deepEqual(parseGpus(text), { ...usual, ...changed }, text);
  }
  for (const [text, message] of [
    ['some', /invalid count \(some\): value must be either "all" or an integer/],
    ['all,all', /key 'all' can be specified only once/],
    ['color=red', /unexpected key 'color' in 'color=red'/],
    ['"device=0', /parse error/],
  ] as const) {
    assert.throws(() => parseGpus(text), message, text);
  }
});
