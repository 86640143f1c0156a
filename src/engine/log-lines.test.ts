import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame } from '#wire';
import { judge, linesOf, LogRenderer, parseLine, type RenderWish } from './log-lines.ts';

const T = '2026-01-02T03:04:05.123456789Z';
const row = (log: string, stream = 'stdout', time = T, more = ''): string =>
  `{"log":${JSON.stringify(log)},"stream":"${stream}","time":"${time}"${more}}\n`;
const all: RenderWish = { stdout: true, stderr: true, raw: false, timestamps: false };

/** What the slow way gives, line by line. */
function expected(block: Buffer, wish: RenderWish): Buffer {
  const pieces: Buffer[] = [];
  for (const bytes of linesOf(block)) {
    const line = parseLine(bytes);
    if (!line) continue;
    const verdict = judge(line, wish);
    if (verdict === 'over') break;
    if (verdict === 'unwanted') continue;
    const text = Buffer.concat([
      Buffer.from(`${wish.timestamps ? `${line.time} ` : ''}${wish.details ? `${wish.details(line)} ` : ''}`),
      line.text,
    ]);
    pieces.push(wish.raw ? text : frame(line.stream, text));
  }
  return Buffer.concat(pieces);
}

const wishes: readonly RenderWish[] = [
  all,
  { ...all, raw: true },
  { ...all, timestamps: true },
  { ...all, stdout: false },
  { ...all, stderr: false, timestamps: true, raw: true },
  { ...all, details: ({ attributes = {} }) => Object.keys(attributes).join('&').repeat(50) },
  { ...all, sinceNs: 1_767_323_045_123_456_789n },
  { ...all, untilNs: 1_767_323_045_000_000_000n },
];

const texts = [
  'a\n',
  '',
  '\n',
  'no end',
  'q"uo\\te\t\r\b\f\n',
  '\u0001\u001b[0m\n',
  'ünï ✓ 🦆\n',
  '","stream":"stderr","time":"',
];
const rows = texts.flatMap((text) => [
  row(text),
  row(text, 'stderr'),
  row(text, 'stdout', T, ',"attrs":{"a":"b"}'),
  row(text, 'stdout', '2026-01-02T03:04:06Z'),
]);
const torn = [
  '{"log":"half',
  '{"log":"half"}',
  '',
  'no json',
  '{"log":"x","stream":"stdout","time":5}',
  '{"log":"x\\u00',
];

test('LogRenderer gives what parsing gives, for every line and wish', () => {
  const blocks = [...rows, ...torn.map((text) => `${text}\n`), rows.join(''), torn.join('\n') + rows.join('')];
  for (const wish of wishes) {
    for (const block of blocks.map((text) => Buffer.from(text))) {
      assert.deepEqual(new LogRenderer(wish).render(block), expected(block, wish), block.toString());
    }
  }
});

test('LogRenderer gives what parsing gives, whatever bytes come', () => {
  let state = 11;
  const random = (below: number): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % below;
  for (let round = 0; round < 3000; round++) {
    const block = Buffer.from(Array.from({ length: 1 + random(4) }, () => rows[random(rows.length)]!).join(''));
    // ASCII for ASCII: what is no UTF-8 is the one thing that is passed on as it is and not mended.
    for (let damage = random(4); damage > 0; damage--) {
      const at = random(block.length);
      if (block[at]! < 128) block[at] = 32 + random(95);
    }
    const wish = wishes[random(wishes.length)]!;
    const whole = block.subarray(0, block.lastIndexOf(10) + 1);
    const got = new LogRenderer(wish).render(whole);
    assert.ok(
      got.equals(expected(whole, wish)),
      `${JSON.stringify(wish, (_, v: unknown) => String(v))} ${whole.toString()}`,
    );
  }
});

test('LogRenderer knows when the rest is too late', () => {
  const renderer = new LogRenderer({ ...all, untilNs: 1_767_323_045_500_000_000n });
  renderer.render(Buffer.from(row('in time')));
  assert.equal(renderer.isOver, false);
  renderer.render(Buffer.from(row('late', 'stdout', '2026-01-02T03:04:06Z')));
  assert.equal(renderer.isOver, true);
});
