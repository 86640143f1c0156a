import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawProgress } from './raw-progress.ts';

test("each event is a line as BuildKit's client has it", () => {
  const lines: Record<string, Record<string, unknown>[]>[] = [];
  const raw = new RawProgress(
    (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]),
    () => 'now',
    'b',
  );
  raw.event({
    type: 'planned',
    steps: [
      { id: 0, name: 'one', inputs: [] },
      { id: 1, name: 'two', inputs: [0] },
    ],
  });
  raw.event({ type: 'cached', step: 0 });
  raw.event({ type: 'done', step: 0 });
  raw.event({ type: 'started', step: 1 });
  raw.event({ type: 'log', step: 1, stream: 2, data: 'aGk=' });
  raw.event({ type: 'failed', step: 1, message: 'why' });
  const digests = lines.slice(0, 2).map(({ vertexes }) => vertexes![0]!['digest']);
  assert.match(String(digests[0]), /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(lines[1]!['vertexes'], [{ digest: digests[1], name: 'two', inputs: [digests[0]] }]);
  assert.deepEqual(lines.slice(2), [
    { vertexes: [{ digest: digests[0], name: 'one', inputs: [], started: 'now', completed: 'now', cached: true }] },
    { vertexes: [{ digest: digests[1], name: 'two', inputs: [digests[0]], started: 'now' }] },
    { logs: [{ vertex: digests[1], stream: 2, data: 'aGk=', timestamp: 'now' }] },
    {
      vertexes: [
        { digest: digests[1], name: 'two', inputs: [digests[0]], started: 'now', completed: 'now', error: 'why' },
      ],
    },
  ]);
});
