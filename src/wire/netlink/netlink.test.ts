import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipBytes, ipText, macBytes, macText } from './address-bytes.ts';
import { commentBytes, readChainPolicy, readRules } from '../nftables/questions.ts';
import { NetlinkBatch } from './batch.ts';
import { addBridge, addIpvlan, addVeth, addVlan, readLinks } from './links.ts';
import { readAttributes, readMessages } from './reply.ts';
import { addAddress, addRoute, readAddresses, readRoutes, replaceRoute } from './routes.ts';
import { limitRate, unlimitRate } from './traffic.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function checkAddress(text: string, bytes: string, shown = text) {
  test(`${text} is ${bytes}`, () => {
    assert.equal(hex(ipBytes(text)), bytes);
    assert.equal(ipText(ipBytes(text)), shown);
  });
}

checkAddress('172.17.0.2', 'ac110002');
checkAddress('0.0.0.0', '00000000');
checkAddress('::', '0'.repeat(32));
checkAddress('::1', `${'0'.repeat(31)}1`);
checkAddress('fd00:1:0:0:2::3', 'fd000001000000000002000000000003', 'fd00:1::2:0:0:3');
checkAddress('2001:db8::FF', `20010db8${'0'.repeat(22)}ff`, '2001:db8::ff');
checkAddress('::ffff:1.2.3.4', '00000000000000000000ffff01020304', '::ffff:102:304');

for (const text of [
  '',
  '1.2.3',
  '1.2.3.4.5',
  '256.0.0.1',
  '01.2.3.4',
  'x',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7:8:9',
  'g::',
]) {
  test(`'${text}' is no address`, () => assert.throws(() => ipBytes(text), { code: 'address.invalid' }));
}

test('MAC addresses there and back', () => {
  assert.equal(macText(macBytes('02:42:AC-11-00-02')), '02:42:ac:11:00:02');
  assert.throws(() => macBytes('02:42:ac:11:00'), { code: 'address.invalid' });
});

test('a bridge is a link message that reads back', () => {
  const batch = new NetlinkBatch();
  addBridge(batch, { name: 'skiff0', mac: '02:42:00:00:00:01', mtu: 1400 });
  const [message] = readMessages(batch.bytes());
  assert.deepEqual([message!.type, message!.flags, message!.sequence], [16, 0x605, 1]);
  assert.deepEqual(readLinks(batch.bytes()), [
    { index: 0, name: 'skiff0', mac: '02:42:00:00:00:01', up: false, mtu: 1400, kind: 'bridge', master: 0, alias: '' },
  ]);
});

test('a pair tells where the pid of its namespace goes', () => {
  const make = (pid: number | 'child') => {
    const batch = new NetlinkBatch();
    addAddress(batch, { index: 1, address: '10.0.0.1', prefixLength: 8 });
    addVeth(batch, {
      hostName: 'vethabc',
      hostIndex: 7000,
      bridge: 3,
      mtu: 1500,
      peer: { name: 'eth0', index: 20, mac: '02:42:ac:11:00:02', pid },
    });
    return batch;
  };
  const later = make('child');
  const bytes = Buffer.from(later.bytes());
  bytes.writeUInt32LE(4242, later.pidOffset);
  assert.deepEqual(bytes, Buffer.from(make(4242).bytes()));
  assert.equal(make(1).pidOffset, undefined);
});

test('addresses and routes read back', () => {
  const batch = new NetlinkBatch();
  addAddress(batch, { index: 5, address: '172.17.0.1', prefixLength: 16 });
  addAddress(batch, { index: 5, address: 'fd00::1', prefixLength: 64 });
  addRoute(batch, { gateway: '172.17.0.1', index: 5, family: 2 });
  addRoute(batch, { destination: { address: 'fd01::', prefixLength: 48 }, index: 6, family: 10 });
  assert.deepEqual(readAddresses(batch.bytes()), [
    { index: 5, address: '172.17.0.1', prefixLength: 16 },
    { index: 5, address: 'fd00::1', prefixLength: 64 },
  ]);
  assert.deepEqual(readRoutes(batch.bytes()), [
    { address: '0.0.0.0', prefixLength: 0, index: 5, gateway: '172.17.0.1' },
    { address: 'fd01::', prefixLength: 48, index: 6, gateway: '' },
  ]);
});

test('a VLAN and an ipvlan interface say what they sit on', () => {
  const batch = new NetlinkBatch();
  addVlan(batch, { name: 'eth0.10', lower: 2, id: 10, alias: 'made by skiff' });
  addIpvlan(batch, { name: 'eth0', index: 20, parent: 2, mode: 'l3s', flag: 'vepa', mtu: 1400, pid: 4242 });
  const links = readLinks(batch.bytes());
  assert.deepEqual(
    links.map(({ name, kind, alias }) => [name, kind, alias]),
    [
      ['eth0.10', 'vlan', 'made by skiff'],
      ['eth0', 'ipvlan', ''],
    ],
  );
  const [vlan, ipvlan] = readMessages(batch.bytes()).map(({ body }) => readAttributes(body, 16));
  // IFLA_LINK, IFLA_LINKINFO { IFLA_INFO_DATA }, IFLA_NET_NS_PID.
  assert.equal(hex(vlan!.get(5)!), '02000000');
  assert.equal(hex(readAttributes(readAttributes(vlan!.get(18)!).get(2)!).get(1)!), '0a00');
  const data = readAttributes(readAttributes(ipvlan!.get(18)!).get(2)!);
  assert.deepEqual([hex(data.get(1)!), hex(data.get(2)!)], ['0200', '0200']);
  assert.equal(ipvlan!.get(19)!.readUInt32LE(), 4242);
});

test('a route takes the place of another', () => {
  const batch = new NetlinkBatch();
  replaceRoute(batch, { gateway: '172.17.0.1', index: 5, family: 2 });
  assert.equal(readMessages(batch.bytes())[0]!.flags, 0x505);
});

test('a limit is a token bucket at the root of an interface', () => {
  const limit = (bytesPerSecond: number) => {
    const batch = new NetlinkBatch();
    limitRate(batch, 7, { bytesPerSecond, burstBytes: 65_536 });
    const [{ type, flags, body } = { type: 0, flags: 0, body: Buffer.alloc(0) }] = readMessages(batch.bytes());
    const attributes = readAttributes(body, 20);
    const options = readAttributes(attributes.get(2)!);
    assert.equal(attributes.get(1)!.toString(), 'tbf\0');
    // Index, handle 1:0, parent TC_H_ROOT.
    assert.deepEqual([body.readUInt32LE(4), body.readUInt32LE(8), body.readUInt32LE(12)], [7, 0x10000, 0xffff_ffff]);
    assert.deepEqual([type, flags], [36, 0x505]);
    const parameters = options.get(1)!;
    assert.equal(parameters.length, 36);
    return { rate: parameters.readUInt32LE(8), queue: parameters.readUInt32LE(24), options };
  };
  const slow = limit(1_250_000);
  assert.deepEqual([slow.rate, slow.queue, slow.options.has(4)], [1_250_000, 65_536 + 62_500, false]);
  assert.equal(slow.options.get(6)!.readUInt32LE(), 65_536);
  const fast = limit(12_500_000_000);
  assert.deepEqual([fast.rate, fast.options.get(4)!.readBigUInt64LE()], [0xffff_ffff, 12_500_000_000n]);
  const batch = new NetlinkBatch();
  unlimitRate(batch, 7);
  assert.equal(readMessages(batch.bytes())[0]!.type, 37);
});

/** Deterministic numbers below 2^32 (xorshift). */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

test('no answer makes the readers throw or read too far', () => {
  const batch = new NetlinkBatch();
  addBridge(batch, { name: 'skiff0', mac: '02:42:00:00:00:01', mtu: 1400 });
  addAddress(batch, { index: 5, address: '172.17.0.1', prefixLength: 16 });
  addRoute(batch, { gateway: '172.17.0.1', index: 5, family: 2 });
  batch.add({ type: (10 << 8) | 6, flags: 0, struct: (out) => out.u32(2) }, (to) =>
    to.text(1, 'filter').text(2, 'FORWARD').be64(3, 7).raw(7, commentBytes('skiff skiff0')),
  );
  batch.add({ type: (10 << 8) | 3, flags: 0, struct: (out) => out.u32(2) }, (to) => to.be32(5, 0));
  assert.deepEqual(readRules(batch.bytes()), [{ chain: 'FORWARD', handle: 7n, comment: 'skiff skiff0' }]);
  assert.equal(readChainPolicy(batch.bytes()), 'drop');
  const random = numbers(20261127);
  const next = (below: number): number => random.next().value! % below;
  const until = performance.now() + 300;
  while (performance.now() < until) {
    const bytes = Buffer.from(batch.bytes());
    for (let change = next(6) + 1; change > 0; change--) bytes[next(bytes.length)] = next(256);
    const cut = bytes.subarray(0, next(bytes.length + 1));
    readLinks(cut);
    readAddresses(cut);
    readRoutes(cut);
    readRules(cut);
    readChainPolicy(cut);
    for (const { body } of readMessages(cut)) {
      for (const value of readAttributes(body, next(20)).values()) assert.ok(value.length <= body.length);
    }
  }
});
