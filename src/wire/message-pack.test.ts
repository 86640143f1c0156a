import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessagePack, encodeMessagePack, eventTime, type MessagePackValue } from './message-pack.ts';

test('values come back, whatever their size', () => {
  for (const value of [
    null,
    true,
    false,
    0,
    127,
    128,
    -1,
    -32,
    -33,
    2 ** 40,
    -(2 ** 40),
    '',
    'é'.repeat(15),
    'x'.repeat(31),
    'x'.repeat(32),
    'x'.repeat(300),
    'x'.repeat(70_000),
    [],
    Array.from({ length: 20 }, (_, index) => index),
    { a: 1, b: { c: ['d', null] } },
    Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, index])),
  ] satisfies MessagePackValue[]) {
    const bytes = encodeMessagePack(value);
    assert.deepEqual(decodeMessagePack(bytes), { value, length: bytes.length });
  }
});

test('known bytes', () => {
  assert.equal(encodeMessagePack(['t', 1, { k: 'v' }, null]).toString('hex'), '94a1740181a16ba176c0');
  assert.equal(encodeMessagePack(eventTime(1_000_000_002n)).toString('hex'), 'd7000000000100000002');
  assert.deepEqual(decodeMessagePack(Buffer.from('ca3f800000', 'hex'))?.value, 1);
  assert.throws(() => encodeMessagePack(0.5), RangeError);
});

test('bytes that end too early are waited for, others are refused; nothing makes it crash', () => {
  const whole = encodeMessagePack({ ack: 'x'.repeat(40), list: [1, 2, 3] });
  for (let length = 0; length < whole.length; length++) {
    assert.equal(decodeMessagePack(whole.subarray(0, length)), undefined);
  }
  assert.throws(() => decodeMessagePack(Buffer.from([0xc1])), /0xc1/);
  assert.throws(() => decodeMessagePack(Buffer.alloc(40, 0x91)), /deeply/);
  let seed = 1;
  for (let turn = 0; turn < 20_000; turn++) {
    const bytes = Buffer.alloc(turn % 24);
    for (let at = 0; at < bytes.length; at++) {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      bytes[at] = seed >> 16;
    }
    try {
      const found = decodeMessagePack(bytes);
      if (found) assert.ok(found.length <= bytes.length);
    } catch (error) {
      assert.match((error as Error).message, /MessagePack/);
    }
  }
});
