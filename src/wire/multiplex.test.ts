import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Demultiplexer, frame } from './multiplex.ts';

test('a multiplexed stream comes apart in the same way however it was cut', () => {
  const whole = Buffer.concat([
    frame('stdout', Buffer.from('one')),
    frame('stderr', Buffer.from('two\n')),
    frame('stdout', Buffer.from('')),
    frame('stdout', Buffer.from('three')),
  ]);
  for (let size = 1; size <= whole.length; size++) {
    const out = { stdout: '', stderr: '' };
    const demultiplexer = new Demultiplexer();
    for (let at = 0; at < whole.length; at += size) {
      demultiplexer.push(whole.subarray(at, at + size), (stream, data) => (out[stream] += data.toString()));
    }
    assert.deepEqual(out, { stdout: 'onethree', stderr: 'two\n' }, `cut into ${size}`);
  }
});

test('Demultiplexer refuses a stream number nobody uses', () => {
  assert.throws(
    () => new Demultiplexer().push(Buffer.from([7, 0, 0, 0, 0, 0, 0, 1, 0]), () => {}),
    /unrecognized stream: 7/,
  );
});
