/**
 * Networks of one daemon: their records, their bridges and rules, and the endpoints of what runs.
 *
 * Records are the truth for networks; for endpoints the containers' records are, and `restore` is told what they say. The
 * kernel is made to agree at `restore` and with each change.
 */
import { randomBytes } from 'node:crypto';
import { causeChain, formatTimeNs, type Log, type RecordStore } from '#base';
import { macText, type NftBatch } from '#wire';
import { AddressPool } from './address-pool.ts';
import { ensureBridge, removeBridge } from './bridge.ts';
import { chooseSubnet, defaultPools, type Occupied } from './choose-subnet.ts';
import { familyOf, parseCidr, toNumber } from './cidr.ts';
import { type EndpointPlace, type NetworkSetup, setupOf } from './endpoint-setup.ts';
import { errors } from './errors.ts';
import { fullTable, type PortTarget, portBatches, withdrawPorts, withoutTable } from './firewall.ts';
import type { HostNetwork } from './host-network.ts';
import type {
  Endpoint,
  EndpointAddress,
  EndpointWish,
  NetworkRecord,
  NetworkState,
  PortWish,
  PublishedPort,
} from './network-record.ts';
import { completeRequest, type NetworkRequest, predefinedNetwork } from './network-request.ts';
import { PortTable } from './port-table.ts';

export interface NetworkOptions {
  /** Of the default network, and of the table; `none`: no default network. */
  readonly bridge: string;
  /** The default bridge's own address with the length of its prefix; empty: chosen. */
  readonly bridgeAddress: string;
  readonly mtu: number;
}

export interface NetworksDeps {
  readonly store: RecordStore<NetworkRecord>;
  readonly host: HostNetwork;
  readonly options: NetworkOptions;
  readonly log: Log;
  readonly nowNs: () => bigint;
}

/** Whose endpoints they are. */
export interface ContainerIdentity {
  readonly id: string;
  readonly name: string;
  /** Names besides the container's own that it answers to on networks with a name service. */
  readonly names: readonly string[];
}

export interface AttachRequest {
  readonly container: ContainerIdentity;
  /** In the order of the interfaces. */
  readonly networks: readonly (readonly [string, EndpointWish])[];
  readonly ports: readonly PortWish[];
}

export interface Attachment {
  readonly state: NetworkState;
  readonly setup: NetworkSetup;
}

const ENOENT = 2;
/** kernel: devices a new namespace may be born with (tunnels and the like) have the lowest numbers. */
const FIRST_INDEX = 20;
export const emptyWish: EndpointWish = { aliases: [], links: [], driverOptions: {}, gatewayPriority: 0 };

interface Occupancy {
  readonly record: NetworkRecord;
  readonly pools: readonly AddressPool[];
  /** Of the bridge, or of a macvlan's parent; 0 until it is known. */
  upper: number;
  readonly endpoints: Map<string, Endpoint>;
}

export class Networks {
  readonly #deps: NetworksDeps;
  readonly #byId = new Map<string, Occupancy>();
  readonly #ports = new PortTable();
  /** By container. */
  readonly #targets = new Map<string, readonly PortTarget[]>();
  readonly #names = new Map<string, string>();

  constructor(deps: NetworksDeps) {
    this.#deps = deps;
  }

  /** What a container that names no network is on. */
  get defaultMode(): 'bridge' | 'none' {
    return this.#deps.options.bridge === 'none' ? 'none' : 'bridge';
  }

  list(): NetworkRecord[] {
    return [...this.#byId.values()].map(({ record }) => record);
  }

  /** By name, id, or the unique begin of an id. Throws `network.noSuch` and `network.ambiguous`. */
  find(reference: string): NetworkRecord {
    const named = this.#byId.get(this.#names.get(reference) ?? reference);
    if (named) return named.record;
    const matches = /^[0-9a-f]+$/.test(reference)
      ? [...this.#byId.keys()].filter((id) => id.startsWith(reference))
      : [];
    if (matches.length > 1) throw errors.ambiguous(reference, matches.length);
    if (matches.length === 0) throw errors.noSuch(reference);
    return this.#byId.get(matches[0]!)!.record;
  }

  get(id: string): NetworkRecord | undefined {
    return this.#byId.get(id)?.record;
  }

  /** Container id → its endpoint. */
  endpointsOf(id: string): ReadonlyMap<string, Endpoint> {
    return this.#byId.get(id)?.endpoints ?? new Map<string, Endpoint>();
  }

  /** Throws what `completeRequest` refuses, `network.nameTaken`, `network.kernel`. Nothing is left of one that failed. */
  async create(request: NetworkRequest): Promise<NetworkRecord> {
    if (['bridge', 'host', 'none', 'default'].includes(request.name)) throw errors.predefined(request.name);
    if (this.#names.has(request.name)) throw errors.nameTaken(request.name);
    const occupied = await this.#occupied();
    // Somebody else may have had the same idea meanwhile.
    if (this.#names.has(request.name)) throw errors.nameTaken(request.name);
    const createdAt = formatTimeNs(this.#deps.nowNs());
    const record = completeRequest(request, { id: newId(), createdAt, occupied: [...occupied, ...this.#ownSubnets()] });
    const twin = this.list().find(({ bridge }) => bridge && bridge.name === record.bridge?.name);
    if (twin) throw errors.invalid(`network ${twin.name} uses the bridge ${record.bridge!.name} already`);
    const { store, log } = this.#deps;
    store.put(record.id, record);
    this.#add(record);
    try {
      await this.#bringUp(record.id);
      if (record.bridge) await this.#replaceTable();
    } catch (error) {
      this.#forget(record);
      store.delete(record.id);
      if (record.bridge) {
        await removeBridge(this.#deps.host, record.bridge.name).catch((failure: unknown) =>
          log.warn('a bridge that was half made is left', { bridge: record.bridge!.name, error: causeChain(failure) }),
        );
      }
      throw error;
    }
    return record;
  }

  /** Throws `network.cannotRemovePredefined` and `network.inUse`. */
  async remove(reference: string): Promise<NetworkRecord> {
    const record = this.find(reference);
    if (record.predefined) throw errors.cannotRemovePredefined(record.name);
    if (this.endpointsOf(record.id).size > 0) throw errors.inUse(record.name, record.id);
    this.#forget(record);
    this.#deps.store.delete(record.id);
    if (record.bridge) {
      await this.#replaceTable();
      await removeBridge(this.#deps.host, record.bridge.name);
    }
    return record;
  }

  /** Makes the kernel agree with the records and with what runs; the predefined networks are made at the first start. */
  async restore(
    running: readonly { readonly container: ContainerIdentity; readonly state: NetworkState }[],
  ): Promise<void> {
    const { store } = this.#deps;
    for (const record of store.list()) this.#add(record);
    await this.#ensurePredefined();
    for (const { container, state } of running) this.#adopt(container, state);
    for (const { record } of this.#byId.values()) {
      try {
        await this.#bringUp(record.id);
      } catch (error) {
        this.#deps.log.error('a network could not be brought up', { network: record.name, error: causeChain(error) });
      }
    }
    if (this.#hasBridges()) await this.#replaceTable();
  }

  /** Takes the bridges and the table away; to be called when no container runs any more. */
  async shutDown(): Promise<void> {
    const { host, log } = this.#deps;
    if (!this.#hasBridges()) return;
    try {
      await host.filter('cannot remove the nftables table', withoutTable(this.#table));
      for (const { record } of this.#byId.values()) if (record.bridge) await removeBridge(host, record.bridge.name);
    } catch (error) {
      log.warn('networks could not be taken down', { error: causeChain(error) });
    }
  }

  /**
   * Addresses, ports and interfaces for a container about to start. `release` gives them back, whatever becomes of it.
   * Throws `network.noSuch`, `network.portTaken` and what makes the wishes impossible.
   */
  async attach({ container, networks, ports }: AttachRequest): Promise<Attachment> {
    const endpoints: Endpoint[] = [];
    let published: PublishedPort[] = [];
    try {
      for (const [name, wish] of networks) {
        if (this.#byId.get(this.find(name).id)!.upper === 0) await this.#bringUp(this.find(name).id);
        endpoints.push(this.#allocate(container, name, wish, endpoints.length));
      }
      const gateway = this.#gatewayOf(endpoints, networks);
      if (gateway && ports.length > 0) published = await this.#publish(container, gateway, ports);
      const targets = gateway ? targetsOf(gateway, published) : [];
      if (targets.length > 0) this.#targets.set(container.id, targets);
      const places = endpoints.map((endpoint): EndpointPlace => {
        const { record, upper } = this.#byId.get(endpoint.networkId)!;
        return { endpoint, network: record, upper, isGateway: endpoint === gateway };
      });
      const filter = portBatches(this.#table, targets).map((batch) => batch.bytes());
      const state = { endpoints, ports: published, ...(gateway ? { gateway: gateway.endpointId } : {}) };
      return { state, setup: setupOf(places, filter) };
    } catch (error) {
      this.#letGo(container.id, { endpoints, ports: published });
      throw error;
    }
  }

  /** The interfaces go with the namespace; ports are withdrawn. Never throws. */
  async release(containerId: string, state: NetworkState): Promise<void> {
    const targets = this.#targets.get(containerId) ?? [];
    this.#targets.delete(containerId);
    try {
      if (targets.length > 0) await this.#withdraw(targets);
    } catch (error) {
      this.#deps.log.warn('published ports could not be withdrawn', {
        container: containerId,
        error: causeChain(error),
      });
    }
    this.#letGo(containerId, state);
  }

  get #table(): string {
    return this.#deps.options.bridge === 'none' ? 'skiff' : this.#deps.options.bridge;
  }

  #hasBridges(): boolean {
    return this.list().some(({ bridge }) => bridge !== undefined);
  }

  #add(record: NetworkRecord): void {
    const pools = record.pools.map(({ subnet, range, gateway, auxiliary }) => {
      const reserved = [...(gateway === undefined ? [] : [gateway]), ...Object.values(auxiliary)];
      const settings = {
        subnet: parseCidr(subnet),
        reserved,
        ...(range === undefined ? {} : { range: parseCidr(range) }),
      };
      return new AddressPool(settings, () => Number(this.#deps.nowNs() / 1_000_000n));
    });
    this.#byId.set(record.id, { record, pools, upper: 0, endpoints: new Map() });
    this.#names.set(record.name, record.id);
  }

  #forget(record: NetworkRecord): void {
    this.#byId.delete(record.id);
    this.#names.delete(record.name);
  }

  async #bringUp(id: string): Promise<void> {
    const network = this.#byId.get(id)!;
    const { record } = network;
    if (record.bridge) network.upper = await ensureBridge(this.#deps.host, record);
    if (record.macvlan) {
      const { parent } = record.macvlan;
      const link = await this.#deps.host.link(parent);
      if (!link) throw errors.noInterface(parent);
      network.upper = link.index;
    }
  }

  async #replaceTable(): Promise<void> {
    const ports = [...this.#targets.values()].flat();
    for (const batch of fullTable(this.#table, this.list(), ports)) await this.#filter('cannot set up nftables', batch);
  }

  async #filter(what: string, batch: NftBatch): Promise<void> {
    await this.#deps.host.filter(what, batch);
  }

  async #withdraw(targets: readonly PortTarget[]): Promise<void> {
    const { host } = this.#deps;
    const what = 'cannot withdraw published ports';
    const errno = await host.filter(what, withdrawPorts(this.#table, targets), [ENOENT]);
    if (errno === 0) return;
    // A start that failed half way has published none, or some.
    for (const target of targets) await host.filter(what, withdrawPorts(this.#table, [target]), [ENOENT]);
  }

  async #ensurePredefined(): Promise<void> {
    const { options, store, nowNs } = this.#deps;
    const put = (record: NetworkRecord): void => {
      store.put(record.id, record);
      this.#add(record);
    };
    const facts = () => ({ id: newId(), createdAt: formatTimeNs(nowNs()) });
    for (const name of ['host', 'none'] as const) if (!this.#names.has(name)) put(predefinedNetwork(name, facts()));
    const before = this.#byId.get(this.#names.get('bridge') ?? '')?.record;
    if (options.bridge === 'none') {
      if (before) {
        this.#forget(before);
        store.delete(before.id);
      }
      return;
    }
    const address = options.bridgeAddress === '' ? undefined : addressOf(options.bridgeAddress);
    const fits =
      before?.bridge?.name === options.bridge &&
      before.bridge.mtu === options.mtu &&
      (address === undefined || before.pools[0]?.gateway === address.gateway);
    if (before && fits) return;
    if (before) this.#forget(before);
    const occupied = [...(await this.#occupied(options.bridge)), ...this.#ownSubnets()];
    const subnet = address?.subnet ?? chooseSubnet(defaultPools, occupied);
    const bridge = { name: options.bridge, mtu: options.mtu, ...address, subnet };
    put(predefinedNetwork('bridge', before ? { id: before.id, createdAt: before.createdAt } : facts(), bridge));
  }

  #ownSubnets(): Occupied[] {
    return this.list().flatMap(({ name, pools }) =>
      pools.map(({ subnet }) => ({ cidr: parseCidr(subnet), by: `network ${name} (${subnet})` })),
    );
  }

  /** Where the host sends packets already, but for the default route and our own bridges. */
  async #occupied(alsoOurs = ''): Promise<Occupied[]> {
    const { host } = this.#deps;
    const [links, routes] = await Promise.all([host.links(), host.routes()]);
    const names = new Map(links.map(({ index, name }) => [index, name]));
    const own = new Set([alsoOurs, ...this.list().map(({ bridge }) => bridge?.name)]);
    return routes.flatMap(({ address, prefixLength, index }) => {
      const device = names.get(index) ?? '';
      const linkLocal = address.startsWith('fe80:');
      if (prefixLength === 0 || linkLocal || own.has(device)) return [];
      const text = `${address}/${prefixLength}`;
      return [{ cidr: parseCidr(text), by: `the host's route to ${text}${device === '' ? '' : ` by ${device}`}` }];
    });
  }

  #allocate(container: ContainerIdentity, name: string, wish: EndpointWish, position: number): Endpoint {
    const network = this.#byId.get(this.find(name).id)!;
    const { record, endpoints } = network;
    if (endpoints.has(container.id)) throw errors.alreadyConnected(container.name, record.name);
    const ipv4 = this.#address(network, 4, wish.ipv4);
    let ipv6: EndpointAddress | undefined;
    try {
      ipv6 = this.#address(network, 6, wish.ipv6);
    } catch (error) {
      if (ipv4) poolOf(network, 4)!.release(ipv4.address);
      throw error;
    }
    const endpointId = newId();
    const endpoint: Endpoint = {
      networkId: record.id,
      networkName: record.name,
      endpointId,
      interfaceName: `${record.interfacePrefix}${position}`,
      interfaceIndex: FIRST_INDEX + position,
      hostInterface: record.bridge ? `veth${endpointId.slice(0, 7)}` : '',
      mac: wish.mac ?? macOf(ipv4, endpointId),
      ...(ipv4 ? { ipv4 } : {}),
      ...(ipv6 ? { ipv6 } : {}),
      names: [...new Set([container.name, ...wish.aliases, ...container.names])],
    };
    endpoints.set(container.id, endpoint);
    return endpoint;
  }

  #address(network: Occupancy, family: 4 | 6, wish: string | undefined): EndpointAddress | undefined {
    const pool = poolOf(network, family);
    const settings = network.record.pools.find(({ subnet }) => familyOf(subnet) === family);
    if (!pool || !settings) {
      if (wish === undefined) return undefined;
      throw errors.outsideSubnet(wish, network.record.name);
    }
    if (wish !== undefined && network.record.predefined) throw errors.staticOnDefault();
    if (wish !== undefined && !network.record.chosenSubnets) throw errors.staticAddress();
    if (wish !== undefined && !pool.contains(wish)) throw errors.outsideSubnet(wish, network.record.name);
    const address = wish === undefined ? pool.allocate() : pool.claim(wish);
    const { prefixLength } = parseCidr(settings.subnet);
    const hasWayOut = settings.gateway !== undefined && !network.record.internal;
    return { address, prefixLength, ...(hasWayOut ? { gateway: settings.gateway } : {}) };
  }

  /** compat: the highest priority, then the first by name, among the networks with a way out. */
  #gatewayOf(endpoints: readonly Endpoint[], wishes: AttachRequest['networks']): Endpoint | undefined {
    const priority = new Map(wishes.map(([name, wish]) => [this.find(name).id, wish.gatewayPriority]));
    return endpoints
      .filter(({ ipv4, ipv6 }) => ipv4?.gateway !== undefined || ipv6?.gateway !== undefined)
      .sort(
        (a, b) =>
          (priority.get(b.networkId) ?? 0) - (priority.get(a.networkId) ?? 0) ||
          (a.networkName < b.networkName ? -1 : a.networkName > b.networkName ? 1 : 0),
      )[0];
  }

  async #publish(
    container: ContainerIdentity,
    gateway: Endpoint,
    wishes: readonly PortWish[],
  ): Promise<PublishedPort[]> {
    const { bridge } = this.#byId.get(gateway.networkId)!.record;
    // compat: ports are published by bridges only; elsewhere the container is reached by its own address.
    if (!bridge) return [];
    const published: PublishedPort[] = [];
    try {
      for (const wish of wishes) {
        const any = [bridge.hostBinding, ...(gateway.ipv6 && bridge.hostBinding === '0.0.0.0' ? ['::'] : [])];
        const hostIps = wish.hostIp === '' ? any : [wish.hostIp];
        for (const ip of hostIps) {
          if (familyOf(ip) === 6 && !gateway.ipv6) {
            throw errors.invalid(`cannot publish on ${ip}: network ${gateway.networkName} has no IPv6`);
          }
        }
        published.push(...(await this.#ports.publish(container, wish, hostIps)));
      }
    } catch (error) {
      this.#ports.release(container.id, published);
      throw error;
    }
    return published;
  }

  /** Notes what a container that goes on has. */
  #adopt(container: ContainerIdentity, state: NetworkState): void {
    for (const endpoint of state.endpoints) {
      const network = this.#byId.get(endpoint.networkId);
      if (!network) continue;
      network.endpoints.set(container.id, endpoint);
      for (const [family, address] of [
        [4, endpoint.ipv4?.address],
        [6, endpoint.ipv6?.address],
      ] as const) {
        if (address !== undefined) poolOf(network, family)?.claim(address);
      }
    }
    for (const port of state.ports) this.#ports.restore(container, port);
    const gateway = state.endpoints.find(({ endpointId }) => endpointId === state.gateway);
    if (gateway && state.ports.length > 0) this.#targets.set(container.id, targetsOf(gateway, state.ports));
  }

  #letGo(containerId: string, { endpoints, ports }: NetworkState): void {
    for (const { networkId, ipv4, ipv6 } of endpoints) {
      const network = this.#byId.get(networkId);
      if (!network) continue;
      network.endpoints.delete(containerId);
      if (ipv4) poolOf(network, 4)?.release(ipv4.address);
      if (ipv6) poolOf(network, 6)?.release(ipv6.address);
    }
    this.#ports.release(containerId, ports);
  }
}

function poolOf({ record, pools }: Occupancy, family: 4 | 6): AddressPool | undefined {
  return pools[record.pools.findIndex(({ subnet }) => familyOf(subnet) === family)];
}

/** compat: 02:42 and the IPv4 address, so that an address always has the same MAC. */
function macOf(ipv4: EndpointAddress | undefined, endpointId: string): string {
  const tail = ipv4 ? toNumber(ipv4.address).toString(16).padStart(8, '0') : endpointId.slice(0, 8);
  return macText(Buffer.from(`0242${tail}`, 'hex'));
}

function targetsOf({ ipv4, ipv6 }: Endpoint, ports: readonly PublishedPort[]): PortTarget[] {
  return ports.flatMap((port) => {
    const address = familyOf(port.hostIp) === 4 ? ipv4?.address : ipv6?.address;
    return address === undefined ? [] : [{ ...port, address }];
  });
}

/** Sixty-four hex digits, as all of Docker's ids. */
function newId(): string {
  return randomBytes(32).toString('hex');
}

/** `--bip 172.30.0.1/24`. Throws `network.invalid`. */
function addressOf(text: string): { readonly subnet: string; readonly gateway: string } {
  const { prefixLength } = parseCidr(text);
  const gateway = text.slice(0, text.indexOf('/'));
  return { subnet: `${gateway}/${prefixLength}`, gateway };
}
