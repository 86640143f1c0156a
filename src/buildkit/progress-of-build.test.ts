import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressOfBuild } from './progress-of-build.ts';

type Told = Awaited<ReturnType<typeof heard>>[number];

/** Everything that is told to one who listens until the end. */
async function heard(progress: ProgressOfBuild) {
  const all = [];
  for await (const each of progress.listen(new AbortController().signal)) all.push(each);
  return all;
}

const vertices = (all: readonly Told[]) => all.flatMap(({ vertexes = [] }) => vertexes);
const logs = (all: readonly Told[]) => all.flatMap(({ logs: each = [] }) => each);

function planned(progress: ProgressOfBuild): void {
  progress.event({
    type: 'planned',
    steps: [
      { id: 0, name: 'FROM x', inputs: [] },
      { id: 1, name: 'RUN y', inputs: [0] },
    ],
  });
}

test('a step is planned, begun and done, with its inputs by digest; a cached one is told as such', async () => {
  const progress = new ProgressOfBuild('ref');
  const listening = heard(progress);
  planned(progress);
  progress.event({ type: 'cached', step: 0 });
  progress.event({ type: 'done', step: 0, identity: '' });
  progress.event({ type: 'started', step: 1 });
  progress.event({ type: 'done', step: 1, identity: '' });
  progress.end();
  const all = vertices(await listening);
  const [from, run] = [progress.vertexOf(0), progress.vertexOf(1)];
  assert.notEqual(from, run);
  assert.deepEqual(all.find(({ digest, inputs }) => digest === run && inputs)?.inputs, [from]);
  const last = (digest: string) => all.findLast((each) => each.digest === digest)!;
  assert.deepEqual([last(from).cached, last(from).completed !== undefined], [true, true]);
  assert.deepEqual(
    [last(run).cached, last(run).started !== undefined, last(run).completed !== undefined],
    [undefined, true, true],
  );
  assert.notEqual(new ProgressOfBuild('other').vertexOf(0), from);
});

test('who listens late hears what is true now, the end of a step last, and the log from its beginning', async () => {
  const progress = new ProgressOfBuild('ref');
  planned(progress);
  const step = progress.vertexOf(0);
  progress.event({ type: 'started', step: 0 });
  progress.status(step, 'transferring', { current: 5, isDone: true });
  progress.event({ type: 'done', step: 0, identity: '' });
  progress.event({ type: 'log', step: 1, stream: 2, bytes: Buffer.from('said') });
  progress.end();
  const all = await heard(progress);
  const ofStep = all.flatMap(({ vertexes = [], statuses = [] }) => [
    ...vertexes.filter(({ digest }) => digest === step).map(({ completed }) => (completed ? 'done' : 'begun')),
    ...statuses.filter(({ vertex }) => vertex === step).map(({ ID }) => ID),
  ]);
  assert.deepEqual(ofStep, ['begun', 'transferring', 'done']);
  assert.deepEqual(
    logs(all).map(({ msg, stream }) => [Buffer.from(msg!).toString(), stream]),
    [['said', 2n]],
  );
});

test('what is done stays done, and what is under way is told now and then', async () => {
  const progress = new ProgressOfBuild('ref');
  const listening = heard(progress);
  planned(progress);
  const step = progress.vertexOf(0);
  for (const current of [1, 2]) progress.status(step, 'transferring', { current });
  progress.status(step, 'transferring', { current: 3, isDone: true });
  await new Promise((resolve) => setTimeout(resolve, 150));
  progress.status(step, 'transferring', { current: 4 });
  progress.end();
  assert.deepEqual(
    (await listening).flatMap(({ statuses = [] }) => statuses).map((each) => [each.current, 'completed' in each]),
    [
      [1n, false],
      [3n, true],
    ],
  );
});

test('long output is told in pieces, and holds programs back until it is taken', async () => {
  const progress = new ProgressOfBuild('ref');
  const stop = new AbortController();
  const listening = progress.listen(stop.signal);
  planned(progress);
  const first = listening.next();
  progress.event({ type: 'log', step: 1, stream: 1, bytes: Buffer.alloc(5 * 1024 * 1024) });
  await first;
  const room = progress.drained();
  assert.ok(room, 'there is no room');
  let isFree = false;
  void room.then(() => (isFree = true));
  let length = 0;
  for await (const { logs: pieces = [] } of listening) {
    for (const { msg } of pieces) {
      assert.ok(msg!.length <= 1024 * 1024);
      length += msg!.length;
    }
    if (length === 5 * 1024 * 1024) progress.end();
  }
  assert.equal(length, 5 * 1024 * 1024);
  await room;
  assert.equal(isFree, true);
});

test('exports have a vertex each, a second one of a kind as well, and say how far they are', async () => {
  const progress = new ProgressOfBuild('ref');
  const listening = heard(progress);
  await progress.export('exporting to image', async (tell) => {
    tell('exporting layers');
    progress.exporting(10);
    tell('naming to x');
  });
  await assert.rejects(progress.export('exporting to image', () => Promise.reject(new Error('no room'))));
  progress.exporting(11);
  progress.end();
  const all = await listening;
  const names = new Set(vertices(all).map(({ name }) => name));
  assert.deepEqual([...names], ['exporting to image', 'exporting to image (2)']);
  assert.equal(vertices(all).at(-1)?.error, 'no room');
  const done = all.flatMap(({ statuses = [] }) => statuses).filter(({ completed }) => completed);
  assert.deepEqual(
    done.map(({ ID, current }) => [ID, current]),
    [
      ['exporting layers', 0n],
      ['naming to x', 0n],
      ['transferring', 10n],
    ],
  );
});

test('a listener that goes is forgotten', async () => {
  const progress = new ProgressOfBuild('ref');
  const stop = new AbortController();
  const listening = progress.listen(stop.signal);
  const next = listening.next();
  stop.abort();
  assert.equal((await next).done, true);
  progress.event({ type: 'log', step: 0, stream: 1, bytes: Buffer.alloc(8 * 1024 * 1024) });
  assert.equal(progress.drained(), undefined);
});
