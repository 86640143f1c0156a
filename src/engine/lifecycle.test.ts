import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LifecycleEvent, next, type Status, transitions } from './lifecycle.ts';

test('next() follows the table and refuses everything else with words', () => {
  const events: LifecycleEvent[] = ['start', 'pause', 'unpause', 'exit', 'restart', 'remove', 'removeFailed'];
  for (const [from, row] of Object.entries(transitions)) {
    for (const event of events) {
      const to = (row as Partial<Record<LifecycleEvent, Status>>)[event];
      if (to) assert.equal(next('id', from as Status, event), to);
      else assert.throws(() => next('id', from as Status, event), { name: 'SkiffError' }, `${from} ${event}`);
    }
  }
});

test('next() refuses in the words of Docker', () => {
  assert.throws(() => next('id', 'running', 'start'), { kind: 'not-modified' });
  assert.throws(() => next('id', 'paused', 'start'), /cannot start a paused container, try unpause instead/);
  assert.throws(() => next('id', 'exited', 'pause'), /container id is not running/);
  assert.throws(() => next('id', 'running', 'remove'), /stop the container before removing or force remove/);
});
