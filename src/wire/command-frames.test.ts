import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandFrames, encodeFrame, FrameReader, readCommandLine } from './command-frames.ts';

const bytes = (...words: readonly string[]): Buffer => Buffer.from(words.map((word) => `${word}\0`).join(''));

test('frames are read however their bytes come', () => {
  const sent = Buffer.concat([
    encodeFrame(commandFrames.out, Buffer.from('hello')),
    encodeFrame(commandFrames.wantsInput),
    encodeFrame(commandFrames.exit, Buffer.of(3)),
  ]);
  for (let size = 1; size <= sent.length; size++) {
    const reader = new FrameReader();
    const got: string[] = [];
    for (let at = 0; at < sent.length; at += size) {
      got.push(...reader.push(sent.subarray(at, at + size)).map(({ type, payload }) => `${type}${payload.toString()}`));
    }
    assert.deepEqual(got, ['ohello', 'w', 'x\u0003'], `${size} bytes at a time`);
  }
});

test('a frame that is too long is refused before it is there', () => {
  assert.throws(() => new FrameReader().push(Buffer.from('i\xff\xff\xff\xff', 'latin1')), RangeError);
});

test('readCommandLine() reads what the door sends', () => {
  assert.deepEqual(readCommandLine(bytes('1.2', '/here', 'tt- 24 80', '2', 'ps', '-a', 'A=1', 'B=', 'A=2', 'bad')), {
    version: '1.2',
    workingDirectory: '/here',
    terminals: [true, true, false],
    size: [24, 80],
    argv: ['ps', '-a'],
    environment: { A: '1', B: '' },
  });
  assert.deepEqual(readCommandLine(bytes('1', '/', '--- 0 0', '1', ''))?.argv, ['']);
});

test('readCommandLine() refuses what is none', () => {
  const check = (payload: Buffer): void => assert.equal(readCommandLine(payload), undefined, payload.toString());
  check(Buffer.alloc(0));
  check(Buffer.from('1\0/\0--- 0 0\0' + '0'));
  check(bytes('1', 'here', '--- 0 0', '0'));
  check(bytes('1', '/', '-- 0 0', '0'));
  check(bytes('1', '/', '--- 0', '0'));
  check(bytes('1', '/', '--- 0 0', '2', 'ps'));
  check(bytes('1', '/', '--- 0 0', '-1', 'ps'));
});

test('whatever comes, a reader gives frames or refuses', () => {
  let state = 7;
  const random = (below: number): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % below;
  for (let round = 0; round < 2000; round++) {
    const reader = new FrameReader();
    for (let pieces = random(5); pieces >= 0; pieces--) {
      const piece = Buffer.from(Array.from({ length: random(40) }, () => (random(2) ? 0 : random(256))));
      try {
        for (const { payload } of reader.push(piece)) readCommandLine(payload);
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
        break;
      }
    }
  }
});
