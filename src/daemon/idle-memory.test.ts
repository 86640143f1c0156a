import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdleMemory } from './idle-memory.ts';

test('IdleMemory collects once it was quiet, and not again before there is something new', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const collected: number[] = [];
  using memory = new IdleMemory({ collect: () => collected.push(now), nowMs: () => now });
  const pass = (milliseconds: number): void => {
    for (let left = milliseconds; left > 0; left -= 100) {
      now += 100;
      context.mock.timers.tick(100);
    }
  };
  pass(10_000);
  assert.deepEqual(collected, []);
  memory.touch();
  pass(1500);
  memory.touch();
  pass(1500);
  assert.deepEqual(collected, [], 'something came in between');
  pass(1000);
  assert.deepEqual(collected, [13_500]);
  pass(100_000);
  assert.equal(collected.length, 1);
  memory.touch();
  pass(3000);
  memory.touch();
  pass(3000);
  assert.equal(collected.length, 2);
  memory.touch();
  pass(10_000);
  assert.equal(collected.length, 2, 'not twice in half a minute');
  pass(30_000);
  assert.equal(collected.length, 3);
});
