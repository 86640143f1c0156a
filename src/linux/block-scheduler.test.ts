import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockScheduler, parseScheduler } from './block-scheduler.ts';

test('the scheduler is the word in brackets', () => {
  for (const [text, name] of [
    ['[mq-deadline] none\n', 'mq-deadline'],
    ['none [bfq] kyber\n', 'bfq'],
    ['none\n', 'none'],
  ] as const) {
    assert.equal(parseScheduler(text), name);
  }
  assert.equal(blockScheduler({ major: 4000, minor: 77 }), undefined);
});
