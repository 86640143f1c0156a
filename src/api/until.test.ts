import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowNs } from '#base';
import { untilTime } from './until.ts';

const of = (...values: readonly string[]): bigint | undefined => untilTime(new Map([['until', values]]));

test('until is Unix seconds, a time or less of one, or how long ago', () => {
  const day = BigInt(Date.UTC(2026, 0, 2)) * 1_000_000n;
  assert.equal(untilTime(new Map()), undefined);
  assert.equal(of('1.5'), 1_500_000_000n);
  assert.equal(of('2026-01-02T00:00:00Z'), day);
  assert.equal(of('2026-01-02Z'), day);
  assert.equal(of('2026-01-02T01:00+01:00'), day);
  assert.equal(of('2026-01-02'), BigInt(new Date(2026, 0, 2).getTime()) * 1_000_000n);
  const hour = nowNs() - 3_600_000_000_000n;
  const ago = of('1h')!;
  assert.ok(ago >= hour && ago - hour < 60_000_000_000n, String(ago - hour));
});

test('what is none is refused, and two are', () => {
  for (const text of ['x', '2026-13-01', '2026-01-02T25:00:00Z', '-']) {
    assert.throws(() => of(text), { message: `failed to parse value as time or duration: "${text}"` });
  }
  assert.throws(() => of('1h', '2h'), { message: 'more than one until filter specified' });
});
