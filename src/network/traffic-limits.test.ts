import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTrafficLimits, type TrafficLimits, trafficOptionsIn } from './traffic-limits.ts';

const named = (options: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [`skiff.network.${name}`, value]));

function reads(options: Readonly<Record<string, string>>, limits: TrafficLimits, mtu = 1500) {
  test(`${JSON.stringify(options)} with MTU ${mtu}`, () => {
    assert.deepEqual(readTrafficLimits(named(options), mtu), limits);
  });
}

reads({}, {});
reads({ 'rate-in': 'none', 'burst-out': 'none' }, {});
reads({ 'rate-in': '10mbit' }, { in: { bytesPerSecond: 1_250_000, burstBytes: 32_768 } });
reads({ 'rate-out': '1.5Gbit' }, { out: { bytesPerSecond: 187_500_000, burstBytes: 1_875_000 } });
reads({ 'rate-in': '8000bit', 'burst-in': '1514' }, { in: { bytesPerSecond: 1000, burstBytes: 1514 } });
reads({ 'rate-in': '1mbit' }, { in: { bytesPerSecond: 125_000, burstBytes: 131_028 } }, 65_500);
reads(
  { 'rate-in': '1mbit', 'rate-out': '500kbit', 'burst-out': '64k' },
  { in: { bytesPerSecond: 125_000, burstBytes: 32_768 }, out: { bytesPerSecond: 62_500, burstBytes: 65_536 } },
);

function refuses(options: Readonly<Record<string, string>>, message: RegExp) {
  test(`${JSON.stringify(options)} is refused`, () => {
    assert.throws(() => readTrafficLimits(named(options), 1500), { code: 'network.invalid', message });
  });
}

refuses({ 'rate-in': '10' }, /invalid skiff\.network\.rate-in "10": bits per second, with a unit/);
refuses({ 'rate-in': '10mbps' }, /"10mbps": bits per second/);
refuses({ 'rate-out': '-1mbit' }, /rate-out "-1mbit"/);
refuses({ 'rate-out': '0bit' }, /no less than 8kbit; none is no limit/);
refuses({ 'rate-out': '1001gbit' }, /no more than 1000gbit/);
refuses({ 'burst-in': '64k' }, /burst-in 64k is of no use without skiff\.network\.rate-in/);
refuses({ 'rate-in': '1mbit', 'burst-in': '1513' }, /"1513": a packet has up to 1514 bytes/);
refuses({ 'rate-in': '1mbit', 'burst-in': '3g' }, /no more than 2g/);
refuses({ 'rate-in': '1mbit', 'burst-in': 'much' }, /"much": bytes, such as 64k/);

test('other names are none of its own', () => {
  assert.deepEqual(trafficOptionsIn({ a: 'b', 'skiff.network.rate-in': '1mbit' }), {
    'skiff.network.rate-in': '1mbit',
  });
});
