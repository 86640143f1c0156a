import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BytesWriter } from '#base';
import * as protocol from './helper-protocol.ts';

const header = readFileSync(new URL('../../native/src/protocol.h', import.meta.url), 'utf8');
const screaming = (name: string): string => name.replace(/[A-Z]/g, '_$&').toUpperCase();

/** All names of one prefix in protocol.h: enum members and defines. */
function native(prefix: string): Map<string, number> {
  const found = header.matchAll(new RegExp(`\\b${prefix}_(\\w+)(?: = | )(0x[0-9a-f]+|\\d+)u?`, 'g'));
  return new Map([...found].map(([, name, value]) => [name!, Number(value)]));
}

function check(prefix: string, table: Readonly<Record<string, number>>): void {
  const ours = Object.entries(table).map(([name, value]) => [screaming(name), value]);
  assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(native(prefix)), prefix);
}

test('the number tables are those of protocol.h', () => {
  check('REQ', protocol.requestType);
  check('EVT', protocol.eventType);
  check('CTL', protocol.controlType);
  check('ATTACH', protocol.attachFlags);
  check('CONN', protocol.connectionKind);
  const { SETTING_UP: _, CREATED: __, RUNNING: ___, EXITED: ____, ...flags } = Object.fromEntries(native('SHIM'));
  assert.deepEqual(
    Object.fromEntries(Object.entries(protocol.shimFlags).map(([name, value]) => [screaming(name), value])),
    flags,
  );
  assert.equal(native('PROTOCOL').get('VERSION'), protocol.PROTOCOL_VERSION);
  assert.equal(native('HELLO').get('MAGIC'), protocol.HELLO_MAGIC);
});

test('FrameSplitter gives the same frames however the bytes arrive', () => {
  const writer = new BytesWriter();
  for (const text of ['one', '', 'three']) writer.u32(text.length).raw(Buffer.from(text));
  const whole = Buffer.from(writer.done());
  for (let size = 1; size <= whole.length; size++) {
    const splitter = new protocol.FrameSplitter();
    const frames: string[] = [];
    for (let at = 0; at < whole.length; at += size) {
      frames.push(...splitter.push(whole.subarray(at, at + size)).map((frame) => frame.toString()));
    }
    assert.deepEqual(frames, ['one', '', 'three'], `in pieces of ${size}`);
  }
});

test('FrameSplitter refuses a frame larger than its limit', () => {
  assert.throws(() => new protocol.FrameSplitter(10).push(Buffer.from([11, 0, 0, 0])), /frame of 11 bytes/);
});

test('readEvent() never reads past a frame that was cut short', () => {
  for (const type of Object.values(protocol.eventType)) {
    const frame = new BytesWriter().u16(type).u16(0).u64(7).raw(new Uint8Array(64)).done();
    assert.equal(protocol.readEvent(frame).token, 7n);
    // Without a body there is nothing to cut but its token.
    const cut = type === protocol.eventType.rotated ? 11 : 13;
    assert.throws(() => protocol.readEvent(frame.subarray(0, cut)), /too short/);
  }
});

test('exitCodeOf() says it as a shell does', () => {
  for (const [status, code] of [
    [0, 0],
    [7 << 8, 7],
    [9, 137],
    [15, 143],
    [0x80 | 11, 139],
  ] as const) {
    assert.equal(protocol.exitCodeOf(status), code);
  }
});
