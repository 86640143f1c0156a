import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resources } from '#specs';
import { parseFlags } from './flags.ts';
import { flagResources, updateFlags } from './update-flags.ts';

const of = (line: string): Resources => flagResources(parseFlags(updateFlags, line.split(' ')).values);

test('only what is given is changed', () => {
  assert.deepEqual(of('id'), {});
  assert.deepEqual(of('--memory 64m --memory-swap -1 id'), { memory: { limit: 64 * 1024 * 1024, swap: -1 } });
  assert.deepEqual(of('--cpu-quota -1 --cpuset-cpus 0-1 --cpu-idle 1 id'), {
    cpu: { quota: -1, cpus: '0-1', idle: 1 },
  });
  assert.deepEqual(of('--pids-limit 0 --blkio-weight 100 id'), { pids: { limit: 0 }, blockIO: { weight: 100 } });
});

test('what is no number and what nobody would enforce is refused', () => {
  const check = (line: string, expected: RegExp): void => assert.throws(() => of(line), expected, line);
  check('--memory much id', /--memory "much": give a size/);
  check('--cpu-share 1.5 id', /--cpu-share "1.5": give a whole number/);
  check('--l3-cache-schema L3:0=f id', /not supported here/);
  check('--kernel-memory 1m id', /not supported here/);
});
