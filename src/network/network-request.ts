/** A wish for a network, checked and completed to a record. */
import { checkSubnet, chooseSubnet, defaultPools, type Occupied, uniqueLocalSubnet } from './choose-subnet.ts';
import { contains, familyOf, parseCidr, toAddress, toNumber } from './cidr.ts';
import { checkDriver, readDriverOptions } from './driver-options.ts';
import { errors } from './errors.ts';
import type { IpamPool, NetworkRecord } from './network-record.ts';

export interface NetworkRequest {
  readonly name: string;
  /** Empty: bridge. */
  readonly driver: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly configOnly: boolean;
  /** Name of the configuration to make it from; empty for none. */
  readonly configFrom: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly ipamDriver: string;
  readonly ipamOptions: Readonly<Record<string, string>>;
  /** Without any, subnets are chosen. */
  readonly pools: readonly PoolRequest[];
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PoolRequest {
  readonly subnet: string;
  readonly range: string;
  readonly gateway: string;
  readonly auxiliary: Readonly<Record<string, string>>;
}

/** Throws `network.badName`, `network.noDriver`, `network.overlaps`, `network.noPool` and what else is wrong with it. */
export function completeRequest(
  request: NetworkRequest,
  facts: { readonly id: string; readonly createdAt: string; readonly occupied: readonly Occupied[] },
): NetworkRecord {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(request.name)) throw errors.badName(request.name);
  const driver = checkDriver(request.driver);
  if (request.ipamDriver !== '' && request.ipamDriver !== 'default') {
    throw errors.unsupported(`the IPAM driver "${request.ipamDriver}"`, 'use default');
  }
  if (!request.ipv4 && !request.ipv6) throw errors.invalid('IPv4 or IPv6 must be enabled');
  const settings = readDriverOptions(driver, request.options, { id: facts.id, internal: request.internal });
  return {
    version: 1,
    id: facts.id,
    name: request.name,
    createdAt: facts.createdAt,
    driver,
    predefined: false,
    internal: request.internal,
    attachable: request.attachable,
    ...(request.configFrom === '' ? {} : { configFrom: request.configFrom }),
    ...(request.ipv4 ? {} : { ipv4: false }),
    ipv6: request.ipv6,
    pools: completePools(request, facts.id, facts.occupied),
    chosenSubnets: request.pools.some(({ subnet }) => subnet !== ''),
    ipamOptions: request.ipamOptions,
    options: request.options,
    labels: request.labels,
    ...settings,
  };
}

function completePools(request: NetworkRequest, id: string, occupied: readonly Occupied[]): IpamPool[] {
  const pools = request.pools.filter(({ subnet }) => subnet !== '');
  const bare = request.pools.find(({ subnet, gateway, range }) => subnet === '' && (gateway !== '' || range !== ''));
  if (bare) throw errors.invalid('invalid network config: every ip-range or gateway must have a corresponding subnet');
  const taken: Occupied[] = [...occupied];
  const result: IpamPool[] = [];
  for (const pool of pools) {
    const { family } = parseCidr(pool.subnet);
    if (family === 6 && !request.ipv6) {
      throw errors.invalid(`invalid network config: subnet ${pool.subnet} needs IPv6: create the network with --ipv6`);
    }
    if (family === 4 && !request.ipv4) {
      throw errors.invalid(`invalid network config: subnet ${pool.subnet} needs IPv4, which is off`);
    }
    if (result.some(({ subnet }) => familyOf(subnet) === family)) {
      throw errors.severalSubnets(checkDriver(request.driver));
    }
    checkSubnet(pool.subnet, taken);
    result.push(completePool(pool));
    taken.push({ cidr: parseCidr(pool.subnet), by: 'another subnet of this network' });
  }
  const has = (family: number): boolean => result.some(({ subnet }) => familyOf(subnet) === family);
  if (request.ipv4 && !has(4)) result.unshift(wholePool(chooseSubnet(defaultPools, taken)));
  if (request.ipv6 && !has(6)) result.push(wholePool(uniqueLocalSubnet(id)));
  // compat: IPv4 first.
  return result.sort((a, b) => familyOf(a.subnet) - familyOf(b.subnet));
}

function wholePool(subnet: string): IpamPool {
  return completePool({ subnet, range: '', gateway: '', auxiliary: {} });
}

/** compat: the gateway is the first address of the subnet. */
export function completePool({ subnet: text, range, gateway, auxiliary }: PoolRequest): IpamPool {
  const subnet = parseCidr(text);
  const inside = (address: string): boolean => contains(subnet, toNumber(address), familyOf(address));
  if (subnet.family === 4 && subnet.prefixLength > 30) {
    throw errors.invalid(`invalid subnet ${text}: there is no room for a gateway and a container in it`);
  }
  if (range !== '') {
    const cidr = parseCidr(range);
    if (!contains(subnet, cidr.base, cidr.family) || cidr.prefixLength < subnet.prefixLength) {
      throw errors.invalid(`invalid ip-range ${range}: it is not within the subnet ${text}`);
    }
  }
  const way = gateway === '' ? toAddress(subnet.base + 1n, subnet.family) : gateway;
  for (const address of [way, ...Object.values(auxiliary)]) {
    if (!inside(address)) throw errors.invalid(`no matching subnet for gateway ${address}: it is not in ${text}`);
  }
  return {
    // compat: shown as it was given.
    subnet: text,
    ...(range === '' ? {} : { range }),
    gateway: toAddress(toNumber(way), subnet.family),
    auxiliary,
  };
}
