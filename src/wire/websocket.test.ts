import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opcodes, webSocketFrame, WebSocketReader, WebSocketViolation } from './websocket.ts';

/** A client's frame: masked. */
function fromClient(opcode: number, text: string, isLast = true): Buffer {
  const payload = Buffer.from(text);
  const frame = webSocketFrame(opcode, payload);
  const head = Buffer.from(frame.subarray(0, frame.length - payload.length));
  head[0] = (isLast ? 0x80 : 0) | opcode;
  head[1]! |= 0x80;
  const mask = Buffer.from([1, 2, 3, 250]);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at & 3]!)]);
}

/** What is read, told as text, whatever the pieces are. */
function told(bytes: Buffer, size: number): string {
  const reader = new WebSocketReader();
  let text = '';
  for (let at = 0; at < bytes.length; at += size) {
    for (const event of reader.push(bytes.subarray(at, at + size))) {
      text +=
        event.kind === 'data'
          ? event.bytes.toString()
          : `<${event.kind}${event.kind === 'ping' ? ` ${event.bytes.toString()}` : ''}>`;
    }
  }
  return text;
}

test('frames are read whatever pieces they come in', () => {
  const long = 'x'.repeat(70_000);
  const bytes = Buffer.concat([
    fromClient(opcodes.text, 'one '),
    fromClient(opcodes.binary, 'tw', false),
    fromClient(opcodes.ping, 'beat'),
    fromClient(opcodes.continuation, 'o '),
    fromClient(opcodes.pong, ''),
    fromClient(opcodes.binary, 'y'.repeat(200)),
    fromClient(opcodes.binary, long),
    fromClient(opcodes.close, ''),
  ]);
  const expected = `one tw<ping beat>o ${'y'.repeat(200)}${long}<close>`;
  for (const size of [1, 2, 3, 7, 4096, bytes.length]) assert.equal(told(bytes, size), expected, `pieces of ${size}`);
});

test('what is no client of this protocol is refused', () => {
  const check = (bytes: readonly number[], message: RegExp): void =>
    void assert.throws(() => new WebSocketReader().push(Buffer.from(bytes)), message);
  check([0x82, 0x01, 0x41], /not masked/);
  check([0xc2, 0x81, 0, 0, 0, 0, 0x41], /extension/);
  check([0x83, 0x81, 0, 0, 0, 0, 0x41], /opcode 3/);
  check([0x89, 0xfe, 0, 126, 0, 0, 0, 0], /control frame/);
  check([0x09, 0x80, 0, 0, 0, 0], /control frame/);
  check([0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], /too long/);
});

test('no bytes make it do anything but read or refuse', () => {
  let state = 12_345;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state % below;
  };
  for (let round = 0; round < 2000; round++) {
    const reader = new WebSocketReader();
    try {
      for (let part = 0; part < 5; part++)
        reader.push(Buffer.from(Array.from({ length: random(40) }, () => random(256))));
    } catch (error) {
      assert.ok(error instanceof WebSocketViolation, String(error));
    }
  }
});
