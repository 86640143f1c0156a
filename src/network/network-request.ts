/** A wish for a network, checked and completed to a record. */
import { randomBytes } from 'node:crypto';
import { macText } from '#wire';
import { checkSubnet, chooseSubnet, defaultPools, type Occupied, uniqueLocalSubnet } from './choose-subnet.ts';
import { cidrOf, contains, familyOf, parseCidr, toAddress, toNumber } from './cidr.ts';
import { errors } from './errors.ts';
import type { BridgeSettings, IpamPool, MacvlanSettings, NetworkDriver, NetworkRecord } from './network-record.ts';

export interface NetworkRequest {
  readonly name: string;
  /** Empty: bridge. */
  readonly driver: string;
  readonly internal: boolean;
  readonly attachable: boolean;
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

const OPTION = {
  bridgeName: 'com.docker.network.bridge.name',
  interContainer: 'com.docker.network.bridge.enable_icc',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  hostBinding: 'com.docker.network.bridge.host_binding_ipv4',
  defaultBridge: 'com.docker.network.bridge.default_bridge',
  mtu: 'com.docker.network.driver.mtu',
  interfacePrefix: 'com.docker.network.container_iface_prefix',
  parent: 'parent',
  macvlanMode: 'macvlan_mode',
} as const;

const bridgeOptions: readonly string[] = [
  OPTION.bridgeName,
  OPTION.interContainer,
  OPTION.masquerade,
  OPTION.hostBinding,
  OPTION.mtu,
  OPTION.interfacePrefix,
];
const macvlanOptions: readonly string[] = [OPTION.parent, OPTION.macvlanMode, OPTION.mtu, OPTION.interfacePrefix];

/** kernel: IFNAMSIZ, the NUL not counted. */
const MAX_INTERFACE_NAME = 15;
const DEFAULT_MTU = 1500;

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
  if (!request.ipv4) throw errors.unsupported('a network without IPv4', 'leave EnableIPv4 on');
  checkOptions(driver, request.options);
  return {
    version: 1,
    id: facts.id,
    name: request.name,
    createdAt: facts.createdAt,
    driver,
    predefined: false,
    internal: request.internal,
    attachable: request.attachable,
    ipv6: request.ipv6,
    pools: completePools(request, facts.id, facts.occupied),
    chosenSubnets: request.pools.some(({ subnet }) => subnet !== ''),
    ipamOptions: request.ipamOptions,
    options: request.options,
    labels: request.labels,
    ...(driver === 'bridge' ? { bridge: bridgeOf(request.options, facts.id) } : {}),
    ...(driver === 'macvlan' ? { macvlan: macvlanOf(request.options) } : {}),
    interfacePrefix: interfacePrefixOf(request.options),
  };
}

function checkDriver(name: string): NetworkDriver {
  if (name === '' || name === 'default' || name === 'bridge') return 'bridge';
  if (name === 'macvlan') return 'macvlan';
  if (name === 'host' || name === 'null') throw errors.onlyOne(name);
  if (name === 'ipvlan') throw errors.unsupported('the driver ipvlan', 'use macvlan, or bridge');
  if (name === 'overlay') throw errors.unsupported('the driver overlay', 'it needs a swarm; use bridge');
  throw errors.noDriver(name);
}

function checkOptions(driver: NetworkDriver, options: Readonly<Record<string, string>>): void {
  const known = driver === 'macvlan' ? macvlanOptions : bridgeOptions;
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw errors.unsupported(`the option "${unknown}" of ${driver} networks`, `there are ${known.join(', ')}`);
  }
}

function bridgeOf(options: Readonly<Record<string, string>>, id: string): BridgeSettings {
  const name = options[OPTION.bridgeName] ?? `br-${id.slice(0, 12)}`;
  checkInterfaceName(name);
  const hostBinding = options[OPTION.hostBinding] ?? '0.0.0.0';
  if (familyOf(hostBinding) !== 4) throw errors.invalid(`${OPTION.hostBinding}: ${hostBinding} is no IPv4 address`);
  toNumber(hostBinding);
  return {
    name,
    mac: randomMac(),
    mtu: mtuOf(options),
    interContainer: truth(OPTION.interContainer, options),
    masquerade: truth(OPTION.masquerade, options),
    hostBinding,
  };
}

function macvlanOf(options: Readonly<Record<string, string>>): MacvlanSettings {
  const parent = options[OPTION.parent];
  if (parent === undefined) {
    throw errors.unsupported('a macvlan network without a parent', 'name an interface of the host with -o parent=NAME');
  }
  checkInterfaceName(parent);
  const mode = options[OPTION.macvlanMode] ?? 'bridge';
  if (mode !== 'bridge' && mode !== 'private' && mode !== 'vepa' && mode !== 'passthru') {
    throw errors.invalid(`unknown macvlan mode ${mode}: use bridge, private, vepa or passthru`);
  }
  return { parent, mode, mtu: mtuOf(options) };
}

function checkInterfaceName(name: string): void {
  if (name === '' || name === '.' || name === '..' || /[\s/:]/.test(name) || name.length > MAX_INTERFACE_NAME) {
    throw errors.invalid(
      `invalid interface name ${JSON.stringify(name)}: at most ${MAX_INTERFACE_NAME} letters without blanks, '/' and ':'`,
    );
  }
}

function interfacePrefixOf(options: Readonly<Record<string, string>>): string {
  const prefix = options[OPTION.interfacePrefix] ?? 'eth';
  if (!/^[a-zA-Z][a-zA-Z0-9_-]{0,11}$/.test(prefix) || prefix === 'lo') {
    throw errors.invalid(`invalid ${OPTION.interfacePrefix} ${JSON.stringify(prefix)}`);
  }
  return prefix;
}

function mtuOf(options: Readonly<Record<string, string>>): number {
  const text = options[OPTION.mtu] ?? String(DEFAULT_MTU);
  const mtu = Number(text);
  if (!/^\d+$/.test(text) || (mtu !== 0 && (mtu < 68 || mtu > 65535))) {
    throw errors.invalid(`invalid MTU ${JSON.stringify(text)}: give a number from 68 to 65535`);
  }
  return mtu === 0 ? DEFAULT_MTU : mtu;
}

/** compat: Go's strconv.ParseBool. */
function truth(option: string, options: Readonly<Record<string, string>>): boolean {
  const text = options[option] ?? 'true';
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw errors.invalid(`invalid value for ${option}: ${JSON.stringify(text)}: use true or false`);
}

/** Locally administered, as Docker's bridges. */
export function randomMac(): string {
  return macText(Buffer.concat([Buffer.of(0x02, 0x42), randomBytes(4)]));
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
    if (result.some(({ subnet }) => familyOf(subnet) === family)) {
      throw errors.severalSubnets(checkDriver(request.driver));
    }
    checkSubnet(pool.subnet, taken);
    result.push(completePool(pool));
    taken.push({ cidr: parseCidr(pool.subnet), by: 'another subnet of this network' });
  }
  const has = (family: number): boolean => result.some(({ subnet }) => familyOf(subnet) === family);
  if (!has(4)) result.unshift(wholePool(chooseSubnet(defaultPools, taken)));
  if (request.ipv6 && !has(6)) result.push(wholePool(uniqueLocalSubnet(id)));
  // compat: IPv4 first.
  return result.sort((a, b) => familyOf(a.subnet) - familyOf(b.subnet));
}

export function wholePool(subnet: string): IpamPool {
  return completePool({ subnet, range: '', gateway: '', auxiliary: {} });
}

/** compat: the gateway is the first address of the range, or of the subnet. */
function completePool({ subnet: text, range, gateway, auxiliary }: PoolRequest): IpamPool {
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
      [OPTION.defaultBridge]: 'true',
      [OPTION.interContainer]: 'true',
      [OPTION.masquerade]: 'true',
      [OPTION.hostBinding]: '0.0.0.0',
      [OPTION.bridgeName]: bridge.name,
      [OPTION.mtu]: String(mtu),
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
