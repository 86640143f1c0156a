/** The networks every daemon has: `bridge`, unless it is to have none, `host` and `none`. Made at its first start. */
import { formatTimeNs, type RecordStore } from '#base';
import { chooseSubnet, defaultPools } from './choose-subnet.ts';
import { cidrOf, parseCidr, toAddress } from './cidr.ts';
import { driverOption, randomMac } from './driver-options.ts';
import type { HostNetwork } from './host-network.ts';
import { type NetworkIndex, newId } from './network-index.ts';
import type { NetworkRecord } from './network-record.ts';
import { completePool } from './network-request.ts';
import { occupiedSubnets } from './occupied-subnets.ts';

export interface PredefinedDeps {
  readonly index: NetworkIndex;
  readonly store: RecordStore<NetworkRecord>;
  readonly host: HostNetwork;
  readonly nowNs: () => bigint;
}

export interface DefaultBridge {
  /** `none`: no default network. */
  readonly bridge: string;
  /** Its own address with the length of its prefix; empty: chosen. */
  readonly bridgeAddress: string;
  readonly mtu: number;
}

/** The default network is another one when what the daemon was told of it has changed; its id stays. */
export async function ensurePredefined(deps: PredefinedDeps, options: DefaultBridge): Promise<void> {
  const { index, store, host, nowNs } = deps;
  const put = (record: NetworkRecord): void => {
    store.put(record.id, record);
    index.add(record);
  };
  const facts = () => ({ id: newId(), createdAt: formatTimeNs(nowNs()) });
  for (const name of ['host', 'none'] as const) {
    if (!index.named(name)) put(predefinedNetwork(name, facts()));
  }
  const before = index.named('bridge')?.record;
  if (options.bridge === 'none') {
    if (!before) return;
    index.forget(before);
    store.delete(before.id);
    return;
  }
  const address = options.bridgeAddress === '' ? undefined : addressOf(options.bridgeAddress);
  const fits =
    before?.bridge?.name === options.bridge &&
    before.bridge.mtu === options.mtu &&
    (address === undefined || before.pools[0]?.gateway === address.gateway);
  if (before && fits) return;
  if (before) index.forget(before);
  const records = index.list().map(({ record }) => record);
  const subnet = address?.subnet ?? chooseSubnet(defaultPools, await occupiedSubnets(host, records, options.bridge));
  const bridge = { name: options.bridge, mtu: options.mtu, ...address, subnet };
  put(predefinedNetwork('bridge', before ? { id: before.id, createdAt: before.createdAt } : facts(), bridge));
}

/** `--bip 172.30.0.1/24`. Throws `network.invalid`. */
function addressOf(text: string): { readonly subnet: string; readonly gateway: string } {
  const { prefixLength } = parseCidr(text);
  const gateway = text.slice(0, text.indexOf('/'));
  return { subnet: `${gateway}/${prefixLength}`, gateway };
}

/** The default bridge, and the two networks that are none. */
export function predefinedNetwork(
  name: 'bridge' | 'host' | 'none',
  facts: { readonly id: string; readonly createdAt: string },
  bridge?: { readonly name: string; readonly subnet: string; readonly gateway?: string; readonly mtu: number },
): NetworkRecord {
  const common = {
    version: 1,
    ...facts,
    name,
    predefined: true,
    internal: false,
    attachable: false,
    ipv6: false,
    chosenSubnets: false,
    ipamOptions: {},
    labels: {},
    interfacePrefix: 'eth',
  } as const;
  if (!bridge) return { ...common, driver: name === 'host' ? 'host' : 'null', pools: [], options: {} };
  const { subnet, gateway, mtu } = bridge;
  const { family, base, prefixLength } = parseCidr(subnet);
  return {
    ...common,
    driver: 'bridge',
    pools: [
      completePool({
        subnet: `${toAddress(cidrOf(base, family, prefixLength).base, family)}/${prefixLength}`,
        range: '',
        gateway: gateway ?? '',
        auxiliary: {},
      }),
    ],
    options: {
      [driverOption.defaultBridge]: 'true',
      [driverOption.interContainer]: 'true',
      [driverOption.masquerade]: 'true',
      [driverOption.hostBinding]: '0.0.0.0',
      [driverOption.bridgeName]: bridge.name,
      [driverOption.mtu]: String(mtu),
    },
    bridge: {
      name: bridge.name,
      mac: randomMac(),
      mtu,
      interContainer: true,
      masquerade: true,
      hostBinding: '0.0.0.0',
    },
  };
}
