import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, localTimeNs, toUnixTime } from './times.ts';

// Node reads TZ whenever it is set; the tests of this file run in their own process.
process.env['TZ'] = 'Asia/Kolkata';
const now = Date.parse('2026-01-02T03:04:05.678Z');

function check(text: string, expected: string) {
  test(`toUnixTime('${text}')`, () => assert.equal(toUnixTime(text, 'since', now), expected));
}

check('1136073600', '1136073600');
check('1136073600.000000001', '1136073600.000000001');
check('2026-01-02T03:04:05Z', '1767323045.000000000');
check('2026-01-02T03:04:05.25+01:00', '1767319445.250000000');
check('2026-01-02T08:34:05', '1767323045.000000000');
check('2026-01-02T08:34', '1767323040.000000000');
check('2026-01-02', String(Date.parse('2026-01-01T18:30:00Z') / 1000) + '.000000000');
check('2026-01-02Z', '1767312000.000000000');
check('10s', '1767323035.678000000');
check('1h30m', '1767317645.678000000');
check('-10s', '1767323055.678000000');

for (const text of ['yesterday', '2026-13-01', '']) {
  test(`toUnixTime() refuses '${text}'`, () => {
    assert.throws(() => toUnixTime(text, 'since', now), /invalid value for "since"/);
  });
}

test('localTimeNs() keeps nanoseconds and names the offset', () => {
  assert.equal(localTimeNs(1767323045_000000007n), '2026-01-02T08:34:05.000000007+05:30');
});

test('ago() says how long ago', () => {
  assert.equal(ago(now / 1000 - 7300, now), '2 hours ago');
});
