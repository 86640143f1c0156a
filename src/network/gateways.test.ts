import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseGateway, defaultRoutes } from './gateways.ts';
import { parseLink } from './link.ts';
import type { Endpoint } from './network-record.ts';
import { vlanOf } from './parent-interface.ts';

interface Wish {
  readonly v4?: string;
  readonly v6?: string;
  readonly priority?: number;
}

function endpoint(networkName: string, interfaceIndex: number, { v4, v6, priority }: Wish): Endpoint {
  const address = (gateway: string) => ({ address: gateway, prefixLength: 24, gateway });
  return {
    networkId: networkName,
    networkName,
    endpointId: networkName,
    interfaceName: `eth${interfaceIndex}`,
    interfaceIndex,
    hostInterface: '',
    mac: '',
    names: [],
    ...(v4 === undefined ? {} : { ipv4: address(v4) }),
    ...(v6 === undefined ? {} : { ipv6: address(v6) }),
    ...(priority === undefined ? {} : { gatewayPriority: priority }),
  };
}

function chooses(name: string, endpoints: readonly Endpoint[], gateway: string | undefined, routes: string[]) {
  test(name, () => {
    assert.equal(chooseGateway(endpoints)?.networkName, gateway);
    const shown = defaultRoutes(endpoints).map((route) => `${route.gateway} by ${route.interfaceIndex}`);
    assert.deepEqual(shown, routes);
  });
}

const b = endpoint('b', 20, { v4: '10.0.0.1' });
chooses('a network without a gateway is no way out', [endpoint('a', 20, {})], undefined, []);
chooses('the first by name', [b, endpoint('a', 21, { v4: '10.1.0.1' })], 'a', ['10.1.0.1 by 21']);
chooses('the highest priority', [endpoint('a', 21, { v4: '10.1.0.1' }), { ...b, gatewayPriority: 1 }], 'b', [
  '10.0.0.1 by 20',
]);
chooses('a priority below none', [b, endpoint('a', 21, { v4: '10.1.0.1', priority: -1 })], 'b', ['10.0.0.1 by 20']);
chooses('of each family its own', [b, endpoint('c', 21, { v4: '10.1.0.1', v6: 'fd00::1' })], 'b', [
  '10.0.0.1 by 20',
  'fd00::1 by 21',
]);

test('links', () => {
  assert.deepEqual(parseLink('db'), { name: 'db', alias: 'db' });
  assert.deepEqual(parseLink('db:data'), { name: 'db', alias: 'data' });
  assert.deepEqual(parseLink('/db:/web/data'), { name: 'db', alias: 'data' });
  for (const text of ['', ':a', 'a:', 'a:b:c']) assert.throws(() => parseLink(text), { code: 'network.invalid' }, text);
});

test('names of VLANs', () => {
  assert.deepEqual(vlanOf('eth0.10'), { lower: 'eth0', id: 10 });
  assert.deepEqual(vlanOf('a.b.4094'), { lower: 'a.b', id: 4094 });
  for (const text of ['eth0', 'eth0.0', 'eth0.4095', '.5', 'eth0.x']) assert.equal(vlanOf(text), undefined, text);
});
