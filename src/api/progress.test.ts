import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { SkiffError } from '#base';
import { progressBar, ProgressStream } from './progress.ts';

function recorder() {
  const lines: unknown[] = [];
  const head: unknown[] = [];
  const take = (text?: string): void => {
    for (const line of (text ?? '').split('\r\n')) if (line !== '') lines.push(JSON.parse(line));
  };
  const response = {
    headersSent: false,
    writeHead(status: number) {
      head.push(status);
      this.headersSent = true;
    },
    write: take,
    end: take,
  };
  let now = 0;
  const stream = new ProgressStream(response as unknown as ServerResponse, () => now);
  return { stream, lines, head, advance: (ms: number) => (now += ms) };
}

test('bars are as old clients print them', () => {
  assert.equal(progressBar(512, 1024), `[${'='.repeat(25)}>${' '.repeat(25)}]     512B/1.024kB`);
  assert.equal(progressBar(0, 2_500_000), `[>${' '.repeat(50)}]       0B/2.5MB`);
  assert.equal(progressBar(2048, 0), ' 2.048kB');
  assert.equal(progressBar(3, 2), '      3B');
});

test('amounts come no more often than each 100 ms, the first and the last always', () => {
  const { stream, lines, advance } = recorder();
  for (let current = 0; current <= 10; current += 1) {
    stream.step('a', 'Downloading', current, 10);
    advance(25);
  }
  const amounts = lines.map((line) => (line as { progressDetail: { current: number } }).progressDetail.current);
  assert.deepEqual(amounts, [0, 4, 8, 10]);
});

test('what fails before the first line is thrown on, later it is a line', () => {
  const early = recorder();
  assert.throws(() => early.stream.fail(new Error('early')), /early/);
  assert.deepEqual(early.head, []);
  const late = recorder();
  late.stream.status('Pulling', 'latest');
  late.stream.fail(new SkiffError('unauthorized', 'x.y', 'who are you'));
  assert.deepEqual(late.head, [200]);
  assert.deepEqual(late.lines.at(-1), { errorDetail: { code: 401, message: 'who are you' }, error: 'who are you' });
});
