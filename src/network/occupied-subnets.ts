/** What a new subnet must not overlap: where the host sends packets already, and the networks there are. */
import type { Occupied } from './choose-subnet.ts';
import { parseCidr } from './cidr.ts';
import type { HostNetwork } from './host-network.ts';
import type { NetworkRecord } from './network-record.ts';

/** Of the host but for its default route and those by our own bridges, `alsoOurs` among them; and of networks. */
export async function occupiedSubnets(
  host: HostNetwork,
  records: readonly NetworkRecord[],
  alsoOurs = '',
): Promise<Occupied[]> {
  const [links, routes] = await Promise.all([host.links(), host.routes()]);
  const names = new Map(links.map(({ index, name }) => [index, name]));
  const own = new Set([alsoOurs, ...records.map(({ bridge }) => bridge?.name)]);
  const ofHost = routes.flatMap(({ address, prefixLength, index }) => {
    const device = names.get(index) ?? '';
    const linkLocal = address.startsWith('fe80:');
    if (prefixLength === 0 || linkLocal || own.has(device)) return [];
    const text = `${address}/${prefixLength}`;
    return [{ cidr: parseCidr(text), by: `the host's route to ${text}${device === '' ? '' : ` by ${device}`}` }];
  });
  return [...ofHost, ...subnetsOf(records)];
}

function subnetsOf(records: readonly NetworkRecord[]): Occupied[] {
  return records.flatMap(({ name, pools, configOnly }) =>
    (configOnly ? [] : pools).map(({ subnet }) => ({ cidr: parseCidr(subnet), by: `network ${name} (${subnet})` })),
  );
}
