import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BuildEvent, type BuildPlan, parseDockerfile, type Step } from '#build';
import { ClassicLines } from './classic-lines.ts';

/** Steps by the line they stand for; events in short: `2 started`, `2 log:text`, `2 cached`, `2 done`. */
function check(text: string, lines: readonly number[], events: readonly string[], expected: string, target = ''): void {
  let written = '';
  const classic = new ClassicLines({ write: (piece) => (written += piece) });
  const steps = lines.map((line) => ({ source: { start: line, end: line } }) as unknown as Step);
  classic.begin(parseDockerfile(text), { steps } as unknown as BuildPlan, target);
  classic.event({ type: 'planned', steps: lines.map((_, id) => ({ id, name: '', inputs: [] })) });
  for (const event of events) {
    const [step = '', type = ''] = event.split(' ');
    const [kind = '', output = ''] = type.split(':');
    classic.event({ type: kind, step: Number(step), stream: 1, bytes: Buffer.from(`${output}\n`) } as BuildEvent);
  }
  assert.equal(written, expected);
}

test('instructions are told in their order, whatever order their steps come in', () => {
  const text = 'FROM a AS x\nRUN 1\nFROM a\nENV b=c\nRUN 2\n';
  check(
    text,
    [1, 2, 5],
    ['0 done', '2 started', '2 log:early', '2 done', '1 log:late', '1 done'],
    'Step 1/5 : FROM a AS x\nStep 2/5 : RUN 1\nlate\nStep 3/5 : FROM a\nStep 4/5 : ENV b=c\nStep 5/5 : RUN 2\nearly\n',
  );
});

test('what the cache has is said, and stages nobody needs are not', () => {
  const text = 'FROM a AS x\nRUN 1\nFROM a AS y\nRUN 2\nFROM a\nRUN 3\n';
  check(
    text,
    [3, 4],
    ['0 cached', '0 done', '1 cached', '1 done'],
    'Step 1/2 : FROM a AS y\nStep 2/2 : RUN 2\n ---> Using cache\n',
    'y',
  );
});
