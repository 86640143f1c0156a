import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuildStreamEvent } from '#specs';
import { BuildState } from './build-state.ts';
import { fitted, plain, viewOf, widthOf } from './build-view.ts';

const step = (id: number, name: string) => ({ id, name, inputs: [] });
const log = (id: number, text: string): BuildStreamEvent => ({
  type: 'log',
  step: id,
  stream: 1,
  data: Buffer.from(text).toString('base64'),
});

function stateAfter(...events: readonly (readonly [ms: number, event: BuildStreamEvent])[]): BuildState {
  const state = new BuildState();
  for (const [ms, event] of events) state.event(event, ms);
  return state;
}

const planned: BuildStreamEvent = {
  type: 'planned',
  steps: [step(0, '[1/3] FROM x'), step(1, '[a 2/3] RUN one'), step(2, '[b 2/3] RUN two'), step(3, '[3/3] COPY . /')],
};

test('steps have their marks and times, and what runs shows the end of its output', () => {
  const state = stateAfter(
    [0, planned],
    [0, { type: 'cached', step: 0 }],
    [0, { type: 'done', step: 0 }],
    [100, { type: 'started', step: 1 }],
    [200, { type: 'started', step: 2 }],
    [300, log(1, 'first\nsec')],
    [400, log(1, 'ond\nhalf')],
    [1200, { type: 'done', step: 2 }],
  );
  assert.deepEqual(viewOf(state, 2100, 0, { columns: 40, rows: 20 }), [
    '[+] Building 2.1s (2/4)',
    ' => CACHED [1/3] FROM x             0.0s',
    ' => [a 2/3] RUN one                 2.0s',
    ' => => # first',
    ' => => # second',
    ' => => # half',
    ' => [b 2/3] RUN two                 1.0s',
  ]);
});

test('nothing is wider or higher than the window, whatever its size, and what runs is never left out for what is done', () => {
  const many = Array.from({ length: 30 }, (_, id) =>
    step(id, `[${id}/30] RUN a rather long command 日本語 number ${id}`),
  );
  const state = stateAfter([0, { type: 'planned', steps: many }]);
  for (let id = 0; id < 25; id++) state.event({ type: 'started', step: id }, id);
  for (let id = 0; id < 22; id++) state.event({ type: 'done', step: id }, 100 + id);
  for (let line = 0; line < 20; line++) state.event(log(23, `line ${line} ${'x'.repeat(200)}\n`), 200);
  for (const columns of [1, 5, 12, 20, 40, 80, 200]) {
    for (const rows of [1, 2, 3, 4, 5, 10, 24, 50]) {
      const lines = viewOf(state, 1000, 0, { columns, rows });
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
      for (const line of lines) assert.ok(widthOf(line) <= columns, `${columns}: ${line}`);
      const running = lines.filter((line) => /RUN .* (?:22|23|24) /.test(line)).length;
      if (columns === 200) assert.equal(running, Math.min(3, rows - 1), `${rows} rows`);
      if (columns === 200 && rows === 10)
        assert.ok(
          lines.some((line) => line.startsWith(' => => # line 19 ')),
          lines.join('\n'),
        );
    }
  }
  const whole = viewOf(state, 1000, 0, { columns: 80, rows: Infinity });
  assert.equal(whole.filter((line) => line.startsWith(' => [')).length, 25);
});

test('a step that failed says so, and keeps what it wrote', () => {
  const state = stateAfter(
    [0, planned],
    [0, { type: 'started', step: 1 }],
    [10, log(1, 'no such file\n')],
    [20, { type: 'failed', step: 1, message: 'exit code 1' }],
  );
  assert.match(viewOf(state, 30, 0, { columns: 60, rows: 10 })[1]!, /^ => ERROR \[a 2\/3\] RUN one .* 0\.0s$/);
  assert.equal(state.steps[1]!.log, 'no such file\n');
});

test('layers that are pulled show how far they are', () => {
  const pull: BuildStreamEvent = {
    type: 'pull',
    reference: 'a',
    id: 'b1',
    status: 'Downloading',
    current: 5e5,
    total: 1e6,
  };
  const state = stateAfter([0, pull]);
  assert.equal(viewOf(state, 0, 0, { columns: 60, rows: 10 })[2], ' => => b1 Downloading 500kB / 1MB');
  state.event({ type: 'pulled' }, 10);
  assert.equal(viewOf(state, 20, 0, { columns: 60, rows: 10 }).length, 2);
});

test('what a program writes cannot move the cursor', () => {
  const check = (text: string, shown: string): void => assert.equal(plain(text), shown, JSON.stringify(text));
  check('10%\r50%\r100%', '100%');
  check('done\r', 'done');
  check('\x1b[31mred\x1b[0m \x1b]0;title\x07and\x1b[2J more\b', 'red and more');
  check('a\tb', 'a    b');
});

test('text is cut by the columns it takes', () => {
  assert.equal(fitted('abcdef', 3), 'abc');
  assert.equal(fitted('日本語', 5), '日本');
  assert.equal(widthOf('日本🚀e\u0301'), 7);
});
