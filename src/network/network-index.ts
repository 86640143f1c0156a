/** The networks there are, by id and name, and who has which of their addresses. In memory: see ./networks.ts. */
import { randomBytes } from 'node:crypto';
import { macText } from '#wire';
import { AddressPool } from './address-pool.ts';
import { familyOf, parseCidr, toNumber } from './cidr.ts';
import { readEndpointOptions } from './endpoint-options.ts';
import { hostInterfaceOf } from './endpoint-setup.ts';
import { errors } from './errors.ts';
import { parseLink } from './link.ts';
import type { Endpoint, EndpointAddress, EndpointWish, NetworkRecord } from './network-record.ts';

/** Whose endpoints they are. */
export interface ContainerIdentity {
  readonly id: string;
  readonly name: string;
  /** Names besides the container's own that it answers to on networks with a name service. */
  readonly names: readonly string[];
}

/** kernel: devices a new namespace may be born with (tunnels and the like) have the lowest numbers. */
const FIRST_INDEX = 20;
const DEFAULT_MTU = 1500;
const NONE: ReadonlySet<KnownNetwork> = new Set();

export interface KnownNetwork {
  readonly record: NetworkRecord;
  readonly pools: readonly AddressPool[];
  /** Index of the bridge, or of a macvlan's parent; 0 until it is known. */
  upper: number;
  /** By container. */
  readonly endpoints: Map<string, Endpoint>;
  /** Endpoints by the names they answer to, in lower case. */
  readonly names: Map<string, Set<Endpoint>>;
  /** Endpoints by their addresses. */
  readonly addresses: Map<string, Endpoint>;
}

export class NetworkIndex {
  readonly #byId = new Map<string, KnownNetwork>();
  readonly #names = new Map<string, string>();
  readonly #byContainer = new Map<string, Set<KnownNetwork>>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Those a container is on. */
  networksOf(containerId: string): ReadonlySet<KnownNetwork> {
    return this.#byContainer.get(containerId) ?? NONE;
  }

  mtuOf({ networkId }: Pick<Endpoint, 'networkId'>): number {
    return mtuOf(this.#byId.get(networkId)?.record);
  }

  list(): KnownNetwork[] {
    return [...this.#byId.values()];
  }

  get(id: string): KnownNetwork | undefined {
    return this.#byId.get(id);
  }

  named(name: string): KnownNetwork | undefined {
    return this.#byId.get(this.#names.get(name) ?? '');
  }

  /** By name, id, or the unique begin of an id. Throws `network.noSuch` and `network.ambiguous`. */
  find(reference: string): KnownNetwork {
    const exact = this.named(reference) ?? this.#byId.get(reference);
    if (exact) return exact;
    const matches = /^[0-9a-f]+$/.test(reference)
      ? [...this.#byId.keys()].filter((id) => id.startsWith(reference))
      : [];
    if (matches.length > 1) throw errors.ambiguous(reference, matches.length);
    if (matches.length === 0) throw errors.noSuch(reference);
    return this.#byId.get(matches[0]!)!;
  }

  add(record: NetworkRecord): void {
    const pools = (record.configOnly ? [] : record.pools).map(({ subnet, range, gateway, auxiliary }) => {
      const reserved = [...(gateway === undefined ? [] : [gateway]), ...Object.values(auxiliary)];
      const whole = { subnet: parseCidr(subnet), reserved };
      return new AddressPool(range === undefined ? whole : { ...whole, range: parseCidr(range) }, this.#nowMs);
    });
    this.#byId.set(record.id, {
      record,
      pools,
      upper: 0,
      endpoints: new Map(),
      names: new Map(),
      addresses: new Map(),
    });
    this.#names.set(record.name, record.id);
  }

  forget({ id, name }: NetworkRecord): void {
    this.#byId.delete(id);
    this.#names.delete(name);
  }

  /**
   * Addresses of a network for a container, on its interface of this number. Throws `network.noSuch`,
   * `network.addressTaken`, and what makes the wish impossible.
   */
  allocate(container: ContainerIdentity, reference: string, wish: EndpointWish, position: number): Endpoint {
    const network = this.find(reference);
    const { record, endpoints } = network;
    if (record.configOnly) throw errors.configEndpoint();
    if (record.driver === 'host' || record.driver === 'null') throw errors.isolatedHost();
    if (endpoints.has(container.id)) throw errors.alreadyConnected(container.name, record.name);
    if (record.predefined && wish.aliases.length > 0) throw errors.aliasOnDefault();
    const { interfaceName, sysctls, limits } = readEndpointOptions(wish.driverOptions, mtuOf(record));
    if (limits.in && !record.bridge) throw errors.noRateIn(record.name, record.driver);
    if (wish.mac !== undefined && record.ipvlan)
      throw errors.invalid('an ipvlan interface has the MAC address of its parent');
    const links = readLinks(wish.links);
    const ipv4 = address(network, 4, wish.ipv4);
    let ipv6: EndpointAddress | undefined;
    try {
      ipv6 = address(network, 6, wish.ipv6);
    } catch (error) {
      if (ipv4) poolOf(network, 4)!.release(ipv4.address);
      throw error;
    }
    const endpointId = newId();
    const endpoint: Endpoint = {
      networkId: record.id,
      networkName: record.name,
      endpointId,
      interfaceName: interfaceName ?? `${record.interfacePrefix}${position}`,
      interfaceIndex: FIRST_INDEX + position,
      hostInterface: record.bridge ? hostInterfaceOf(endpointId) : '',
      mac: record.ipvlan ? '' : (wish.mac ?? macOf(ipv4, endpointId)),
      ...(ipv4 ? { ipv4 } : {}),
      ...(ipv6 ? { ipv6 } : {}),
      ...(sysctls.length > 0 ? { sysctls } : {}),
      names: [...new Set([container.name, ...wish.aliases, ...container.names])],
      ...(Object.keys(links).length > 0 ? { links } : {}),
      ...(wish.gatewayPriority === 0 ? {} : { gatewayPriority: wish.gatewayPriority }),
      ...(limits.in || limits.out ? { limits } : {}),
    };
    this.#enter(network, container.id, endpoint);
    return endpoint;
  }

  /** Notes an endpoint of a container that goes on after a restart of the daemon. */
  adopt(containerId: string, endpoint: Endpoint): void {
    const network = this.#byId.get(endpoint.networkId);
    if (!network) return;
    this.#enter(network, containerId, endpoint);
    if (endpoint.ipv4) poolOf(network, 4)?.claim(endpoint.ipv4.address);
    if (endpoint.ipv6) poolOf(network, 6)?.claim(endpoint.ipv6.address);
  }

  /** The container's own name is another now. Gives its endpoint with the new names. */
  rename(containerId: string, endpoint: Endpoint, from: string, to: string): Endpoint {
    const renamed = { ...endpoint, names: [...new Set(endpoint.names.map((name) => (name === from ? to : name)))] };
    const network = this.#byId.get(endpoint.networkId);
    if (!network?.endpoints.has(containerId)) return renamed;
    this.#leave(network, containerId);
    this.#enter(network, containerId, renamed);
    return renamed;
  }

  /** Once: afterwards its addresses may be somebody else's. */
  release(containerId: string, { networkId, endpointId, ipv4, ipv6 }: Endpoint): void {
    const network = this.#byId.get(networkId);
    if (network?.endpoints.get(containerId)?.endpointId !== endpointId) return;
    this.#leave(network, containerId);
    if (ipv4) poolOf(network, 4)?.release(ipv4.address);
    if (ipv6) poolOf(network, 6)?.release(ipv6.address);
  }

  #enter(network: KnownNetwork, containerId: string, endpoint: Endpoint): void {
    const { endpoints, names, addresses } = network;
    endpoints.set(containerId, endpoint);
    for (const name of endpoint.names) names.getOrInsertComputed(name.toLowerCase(), () => new Set()).add(endpoint);
    for (const address of [endpoint.ipv4, endpoint.ipv6]) if (address) addresses.set(address.address, endpoint);
    this.#byContainer.getOrInsertComputed(containerId, () => new Set()).add(network);
  }

  #leave(network: KnownNetwork, containerId: string): void {
    const { endpoints, names, addresses } = network;
    const endpoint = endpoints.get(containerId);
    endpoints.delete(containerId);
    for (const name of endpoint?.names ?? []) {
      const others = names.get(name.toLowerCase());
      others?.delete(endpoint!);
      if (others?.size === 0) names.delete(name.toLowerCase());
    }
    for (const address of [endpoint?.ipv4, endpoint?.ipv6]) {
      if (address && addresses.get(address.address) === endpoint) addresses.delete(address.address);
    }
    const networks = this.#byContainer.get(containerId);
    networks?.delete(network);
    if (networks?.size === 0) this.#byContainer.delete(containerId);
  }
}

const mtuOf = (record: NetworkRecord | undefined): number =>
  (record?.bridge ?? record?.macvlan ?? record?.ipvlan)?.mtu ?? DEFAULT_MTU;

/** `NAME:ALIAS`, or a name that is its own alias. Throws `network.invalid`. */
function readLinks(links: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    links.map((text) => {
      const { name, alias } = parseLink(text);
      return [alias.toLowerCase(), name.toLowerCase()];
    }),
  );
}

/** The position of the next interface: the lowest nobody has. */
export function freePosition(endpoints: readonly Endpoint[]): number {
  const taken = new Set(endpoints.map(({ interfaceIndex }) => interfaceIndex - FIRST_INDEX));
  let position = 0;
  while (taken.has(position)) position += 1;
  return position;
}

/** Sixty-four hex digits, as all of Docker's ids. */
export function newId(): string {
  return randomBytes(32).toString('hex');
}

function address(network: KnownNetwork, family: 4 | 6, wish: string | undefined): EndpointAddress | undefined {
  const pool = poolOf(network, family);
  const settings = network.record.pools.find(({ subnet }) => familyOf(subnet) === family);
  if (!pool || !settings) {
    if (wish === undefined) return undefined;
    throw errors.outsideSubnet(wish, network.record.name);
  }
  if (wish !== undefined && network.record.predefined) throw errors.staticOnDefault();
  if (wish !== undefined && !network.record.chosenSubnets) throw errors.staticAddress();
  if (wish !== undefined && !pool.contains(wish)) throw errors.outsideSubnet(wish, network.record.name);
  const taken = wish === undefined ? pool.allocate() : pool.claim(wish);
  const { prefixLength } = parseCidr(settings.subnet);
  const hasWayOut = settings.gateway !== undefined && !network.record.internal;
  return { address: taken, prefixLength, ...(hasWayOut ? { gateway: settings.gateway } : {}) };
}

function poolOf({ record, pools }: KnownNetwork, family: 4 | 6): AddressPool | undefined {
  return pools[record.pools.findIndex(({ subnet }) => familyOf(subnet) === family)];
}

/** compat: 02:42 and the IPv4 address, so that an address always has the same MAC. */
function macOf(ipv4: EndpointAddress | undefined, endpointId: string): string {
  const tail = ipv4 ? toNumber(ipv4.address).toString(16).padStart(8, '0') : endpointId.slice(0, 8);
  return macText(Buffer.from(`0242${tail}`, 'hex'));
}
