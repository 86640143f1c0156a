import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portsOf } from './exposed-ports.ts';

test('a port has a protocol, and a range is each of its ports', () => {
  const check = (text: string, expected: readonly string[]): void => assert.deepEqual(portsOf(text), expected, text);
  check('80', ['80/tcp']);
  check('53/UDP', ['53/udp']);
  check('7000-7002/sctp', ['7000/sctp', '7001/sctp', '7002/sctp']);
  for (const bad of ['', 'http', '80/icmp', '70000', '9-5', '80/tcp/x', '-1'])
    assert.throws(() => portsOf(bad), /invalid/);
});
