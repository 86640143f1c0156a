import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMessages } from '#wire';
import { refuseAtRunning } from './endpoint-options.ts';
import { AddressPool } from './address-pool.ts';
import { chooseSubnet, defaultPools, uniqueLocalSubnet } from './choose-subnet.ts';
import { formatCidr, overlap, parseCidr } from './cidr.ts';
import { fullTable, portBatches, withdrawPorts } from './firewall.ts';
import { completeRequest, type NetworkRequest } from './network-request.ts';
import { predefinedNetwork } from './predefined-networks.ts';
import type { PublishedPort } from './network-record.ts';
import { PortTable } from './port-table.ts';

describe('subnets', () => {
  const route = (text: string) => ({ cidr: parseCidr(text), by: text });

  test('the first pool that is free, cut to its size', () => {
    assert.equal(chooseSubnet(defaultPools, []), '172.17.0.0/16');
    assert.equal(chooseSubnet(defaultPools, [route('172.16.0.0/14')]), '172.20.0.0/16');
    assert.equal(chooseSubnet(defaultPools, [route('172.16.0.0/12'), route('192.168.0.0/20')]), '192.168.16.0/20');
  });

  test('when all collide, it says with what', () => {
    assert.throws(() => chooseSubnet(defaultPools, [route('172.16.0.0/12'), route('192.168.0.0/16')]), {
      code: 'network.noPool',
      message: /172\.17\.0\.0\/16 with 172\.16\.0\.0\/12; 192\.168\.0\.0\/20 with 192\.168\.0\.0\/16/,
    });
  });

  for (const [text, shown] of [
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['fd00:1::5/64', 'fd00:1::/64'],
  ] as const) {
    test(`${text} is ${shown}`, () => assert.equal(formatCidr(parseCidr(text)), shown));
  }

  for (const text of ['', '10.0.0.0', '10.0.0.0/33', '10.0.0/8', 'x/8', '::/129', '1.1.1.1/8/8']) {
    test(`'${text}' is no subnet`, () => assert.throws(() => parseCidr(text), { code: 'network.invalid' }));
  }

  test('overlaps are of one family', () => {
    assert.ok(overlap(parseCidr('10.0.0.0/8'), parseCidr('10.9.0.0/24')));
    assert.ok(!overlap(parseCidr('0.0.0.0/0'), parseCidr('::/0')));
  });

  test('a unique local network comes from the id', () => {
    assert.equal(uniqueLocalSubnet('ab1234567890'), 'fdab:1234:5678::/64');
  });
});

describe('address pools', () => {
  const pool = (subnet: string, now: () => number, range?: string) =>
    new AddressPool(
      { subnet: parseCidr(subnet), reserved: ['10.0.0.1'], ...(range ? { range: parseCidr(range) } : {}) },
      now,
    );

  test('the lowest that is free; one given back rests ten seconds', () => {
    let now = 0;
    const addresses = pool('10.0.0.0/29', () => now);
    assert.deepEqual([addresses.allocate(), addresses.allocate()], ['10.0.0.2', '10.0.0.3']);
    addresses.release('10.0.0.2');
    assert.equal(addresses.allocate(), '10.0.0.4');
    now = 10_001;
    assert.equal(addresses.allocate(), '10.0.0.2');
  });

  test('how many are in use, and how many can be had', () => {
    const addresses = pool('10.0.0.0/24', () => 0, '10.0.0.128/25');
    // Network, broadcast, gateway.
    assert.deepEqual(addresses.usage, { inUse: 3n, available: 127n });
    addresses.allocate();
    addresses.claim('10.0.0.9');
    assert.deepEqual(addresses.usage, { inUse: 5n, available: 126n });
  });

  test('when nothing else is left the one that rested longest is taken, then it is full', () => {
    const addresses = pool('10.0.0.0/30', () => 0);
    assert.equal(addresses.allocate(), '10.0.0.2');
    assert.throws(() => addresses.allocate(), { code: 'network.noAddress' });
    addresses.release('10.0.0.2');
    assert.equal(addresses.allocate(), '10.0.0.2');
  });

  test('a range bounds what is chosen, not what is asked for', () => {
    const addresses = pool('10.0.0.0/24', () => 0, '10.0.0.128/30');
    assert.equal(addresses.allocate(), '10.0.0.128');
    assert.equal(addresses.claim('10.0.0.9'), '10.0.0.9');
    assert.throws(() => addresses.claim('10.0.0.9'), { code: 'network.addressTaken' });
    assert.throws(() => addresses.claim('10.0.0.1'), { code: 'network.addressTaken' });
  });
});

describe('requests', () => {
  const wish: NetworkRequest = {
    name: 'web',
    driver: '',
    internal: false,
    attachable: false,
    configOnly: false,
    configFrom: '',
    ipv4: true,
    ipv6: false,
    ipamDriver: '',
    ipamOptions: {},
    pools: [],
    options: {},
    labels: {},
  };
  const facts = { id: 'ab'.repeat(32), createdAt: '', occupied: [] };
  const pool = (subnet: string, gateway = '', range = '') => ({ subnet, gateway, range, auxiliary: {} });

  test('what is not said is chosen', () => {
    const record = completeRequest({ ...wish, ipv6: true }, facts);
    assert.equal(record.bridge!.name, 'br-abababababab');
    assert.deepEqual(
      record.pools.map(({ subnet, gateway }) => [subnet, gateway]),
      [
        ['172.17.0.0/16', '172.17.0.1'],
        ['fdab:abab:abab::/64', 'fdab:abab:abab::1'],
      ],
    );
  });

  function refuses(why: string, changes: Partial<NetworkRequest>, code: string) {
    test(why, () => assert.throws(() => completeRequest({ ...wish, ...changes }, facts), { code: `network.${code}` }));
  }

  refuses('a bad name', { name: 'a b' }, 'badName');
  refuses('an unknown driver', { driver: 'x' }, 'noDriver');
  refuses('ipvlan in mode l3', { driver: 'ipvlan', options: { parent: 'eth0', ipvlan_mode: 'l3' } }, 'unsupported');
  refuses('an unknown option', { options: { 'com.docker.network.bridge.x': '1' } }, 'unsupported');
  refuses('a bad truth', { options: { 'com.docker.network.bridge.enable_icc': 'maybe' } }, 'invalid');
  refuses(
    'a bridge name that is too long',
    { options: { 'com.docker.network.bridge.name': 'x'.repeat(16) } },
    'invalid',
  );
  refuses('a gateway elsewhere', { pools: [pool('10.0.0.0/24', '10.0.1.1')] }, 'invalid');
  refuses('a range elsewhere', { pools: [pool('10.0.0.0/24', '', '10.0.1.0/28')] }, 'invalid');
  refuses('a gateway without a subnet', { pools: [pool('', '10.0.1.1')] }, 'invalid');
  refuses('IPv6 where there is none', { pools: [pool('fd00::/64')] }, 'invalid');
  refuses('two subnets of a family', { pools: [pool('10.0.0.0/24'), pool('10.0.1.0/24')] }, 'severalSubnets');
});

test('sysctls of an endpoint come too late for a container that runs', () => {
  const sysctls = 'com.docker.network.endpoint.sysctls';
  refuseAtRunning({ 'com.docker.network.endpoint.ifname': 'lan0' });
  assert.throws(() => refuseAtRunning({ [sysctls]: 'net.ipv4.conf.IFNAME.log_martians=1' }), {
    code: 'network.unsupported',
    message: /connect it before it is started/,
  });
});

describe('rules and ports', () => {
  const bridge = predefinedNetwork(
    'bridge',
    { id: 'x', createdAt: '' },
    { name: 'skiff0', subnet: '172.17.0.0/16', mtu: 1500 },
  );
  const target = (hostPort: number) =>
    ({ hostIp: '0.0.0.0', hostPort, containerPort: 80, protocol: 'tcp', address: '172.17.0.2' }) as const;

  test('many ports come in several transactions, each between a begin and an end', () => {
    const ports = Array.from({ length: 1201 }, (_, index) => target(2000 + index));
    const batches = fullTable('skiff0', [bridge], ports);
    assert.equal(batches.length, 4);
    for (const batch of batches) {
      const types = readMessages(batch.bytes()).map(({ type }) => type);
      assert.deepEqual([types[0], types.at(-1)], [16, 17]);
    }
  });

  test('asking for the bytes twice gives them twice', () => {
    const [batch] = portBatches('skiff0', [target(80)]);
    assert.deepEqual(batch!.bytes(), batch!.bytes());
    assert.ok(withdrawPorts('skiff0', [target(80)]).bytes().length > 0);
  });

  test('ports of a range are taken in turn, and a taken one names its holder', async () => {
    const table = new PortTable(() => [47_101, 47_103]);
    let held = 0;
    const hold = () => {
      held += 1;
      return Promise.resolve([{ [Symbol.dispose]: () => void (held -= 1) }]);
    };
    const wish = { containerPort: 80, protocol: 'sctp', hostIp: '', hostPort: 47_001, hostPortEnd: 47_002 } as const;
    const publish = (id: string, hostPort: number = wish.hostPort, hostPortEnd: number = wish.hostPortEnd) =>
      table.publish({ id, name: id }, { ...wish, hostPort, hostPortEnd }, ['127.0.0.1'], hold);
    assert.equal((await publish('one')).ports[0]!.hostPort, 47_001);
    assert.equal((await publish('two')).ports[0]!.hostPort, 47_002);
    await assert.rejects(publish('three'), { code: 'network.noPort' });
    await assert.rejects(publish('three', 47_001, 47_001), /port 47001 is already taken by container one/);
    table.release('one', [{ containerPort: 80, protocol: 'sctp', hostIp: '127.0.0.1', hostPort: 47_001 }]);
    assert.equal((await publish('three')).ports[0]!.hostPort, 47_001);
    const any = await Promise.all(['a', 'b', 'c'].map((id) => publish(id, 0, 0)));
    assert.deepEqual(
      any.map(({ ports }) => ports[0]!.hostPort).sort((a, b) => a - b),
      [47_101, 47_102, 47_103],
    );
    assert.equal(held, 6);
  });

  test('a port somebody else has is passed over where there is a choice, and nothing of it stays held', async () => {
    const table = new PortTable(() => [47_101, 47_103]);
    const held = new Set<string>();
    const hold = ({ hostIp, hostPort }: PublishedPort) => {
      const at = `${hostIp}:${hostPort}`;
      if (at === '::1:47201') return Promise.reject(Object.assign(new Error(at), { code: 'EADDRINUSE' }));
      held.add(at);
      return Promise.resolve([{ [Symbol.dispose]: () => void held.delete(at) }]);
    };
    const publish = (hostPortEnd: number) =>
      table.publish(
        { id: 'one', name: 'one' },
        { containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 47_201, hostPortEnd },
        ['127.0.0.1', '::1'],
        hold,
      );
    await assert.rejects(publish(47_201), { code: 'network.portTaken' });
    assert.deepEqual([...held], []);
    assert.equal((await publish(47_202)).ports[1]!.hostPort, 47_202);
    assert.deepEqual([...held], ['127.0.0.1:47202', '::1:47202']);
  });
});
