/**
 * Networks of one daemon: their records, their bridges and rules, and the endpoints of what runs.
 *
 * Records are the truth for networks; for endpoints the containers' records are, and `restore` is told what they say. The
 * kernel is made to agree at `restore` and with each change.
 */
import { causeChain, formatTimeNs, type Log, type RecordStore } from '#base';
import type { Launcher } from '#linux';
import { deleteLink, NetlinkBatch, netlinkProtocol } from '#wire';
import { hasNames, NameService } from './dns/name-service.ts';
import { nameServiceRules } from './dns/rules.ts';
import { ensureBridge, removeBridge } from './bridge.ts';
import { chooseSubnet, defaultPools, type Occupied } from './choose-subnet.ts';
import { parseCidr } from './cidr.ts';
import {
  addDefaultRoutes,
  type EndpointPlace,
  insideBatch,
  type NetworkSetup,
  outsideBatch,
  setupOf,
} from './endpoint-setup.ts';
import { refuseAtRunning } from './endpoint-options.ts';
import { errors } from './errors.ts';
import { fullTable, withoutTable } from './firewall.ts';
import type { HostNetwork } from './host-network.ts';
import { acceptForwarding } from './iptables-forward.ts';
import { type ContainerIdentity, freePosition, type KnownNetwork, NetworkIndex, newId } from './network-index.ts';
import type { Endpoint, EndpointWish, NetworkRecord, NetworkState, PortWish, PublishedPort } from './network-record.ts';
import { completeRequest, type NetworkRequest, predefinedNetwork } from './network-request.ts';
import { PublishedPorts } from './published-ports.ts';

export interface NetworkOptions {
  /** Of the default network, and of the table; `none`: no default network. */
  readonly bridge: string;
  /** The default bridge's own address with the length of its prefix; empty: chosen. */
  readonly bridgeAddress: string;
  readonly mtu: number;
  /** Published ports are led on by the kernel, or the daemon listens on them: then they obey the host's input rules. */
  readonly publishMode: 'forward' | 'listen';
}

export interface NetworksDeps {
  readonly store: RecordStore<NetworkRecord>;
  readonly host: HostNetwork;
  /** Opens sockets in containers' networks. */
  readonly launcher: Pick<Launcher, 'datagramSocket' | 'listeningSocket'>;
  readonly options: NetworkOptions;
  readonly log: Log;
  readonly nowNs: () => bigint;
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

/** A container that runs, and what it has. */
export interface RunningContainer {
  readonly container: ContainerIdentity;
  readonly pid: number;
  readonly state: NetworkState;
  readonly ports: readonly PortWish[];
  /** Where its name service asks for names it does not know. */
  readonly servers: readonly string[];
}

export const emptyWish: EndpointWish = { aliases: [], links: [], driverOptions: {}, gatewayPriority: 0 };

export class Networks {
  readonly #deps: NetworksDeps;
  readonly #index: NetworkIndex;
  readonly #names: NameService;
  readonly #ports: PublishedPorts;

  constructor(deps: NetworksDeps) {
    this.#deps = deps;
    this.#index = new NetworkIndex(() => Number(deps.nowNs() / 1_000_000n));
    this.#names = new NameService(this.#index, deps.launcher);
    const { host, log, options } = deps;
    const relayAll = options.publishMode === 'listen';
    this.#ports = new PublishedPorts({ host, log, table: this.#table, relayAll });
  }

  /** What a container that names no network is on. */
  get defaultMode(): 'bridge' | 'none' {
    return this.#deps.options.bridge === 'none' ? 'none' : 'bridge';
  }

  list(): NetworkRecord[] {
    return this.#index.list().map(({ record }) => record);
  }

  /** By name, id, or the unique begin of an id. Throws `network.noSuch` and `network.ambiguous`. */
  find(reference: string): NetworkRecord {
    return this.#index.find(reference).record;
  }

  get(id: string): NetworkRecord | undefined {
    return this.#index.get(id)?.record;
  }

  /** compat: names are looked up on every network but the default one. */
  hasNameService(id: string): boolean {
    const record = this.get(id);
    return record !== undefined && hasNames(record);
  }

  /** Container id → its endpoint. */
  endpointsOf(id: string): ReadonlyMap<string, Endpoint> {
    return this.#index.get(id)?.endpoints ?? new Map<string, Endpoint>();
  }

  /** Throws what `completeRequest` refuses, `network.nameTaken`, `network.kernel`. Nothing is left of one that failed. */
  async create(request: NetworkRequest): Promise<NetworkRecord> {
    if (['bridge', 'host', 'none', 'default'].includes(request.name)) throw errors.predefined(request.name);
    const occupied = await this.#occupied();
    if (this.#index.named(request.name)) throw errors.nameTaken(request.name);
    const createdAt = formatTimeNs(this.#deps.nowNs());
    const all = [...occupied, ...this.#ownSubnets()];
    const record = completeRequest(request, { id: newId(), createdAt, occupied: all });
    const twin = this.list().find(({ bridge }) => bridge && bridge.name === record.bridge?.name);
    if (twin) throw errors.invalid(`network ${twin.name} uses the bridge ${record.bridge!.name} already`);
    const { store, log } = this.#deps;
    store.put(record.id, record);
    this.#index.add(record);
    try {
      await this.#bringUp(this.#index.get(record.id)!);
      if (record.bridge) await this.#replaceTable();
    } catch (error) {
      this.#index.forget(record);
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
    const { record, endpoints } = this.#index.find(reference);
    if (record.predefined) throw errors.cannotRemovePredefined(record.name);
    if (endpoints.size > 0) throw errors.inUse(record.name, record.id);
    this.#index.forget(record);
    this.#deps.store.delete(record.id);
    if (record.bridge) {
      await this.#replaceTable();
      await removeBridge(this.#deps.host, record.bridge.name);
    }
    return record;
  }

  /** Makes the kernel agree with the records and with what runs; the predefined networks are made at the first start. */
  async restore(running: readonly Omit<RunningContainer, 'ports'>[]): Promise<void> {
    for (const record of this.#deps.store.list()) this.#index.add(record);
    await this.#ensurePredefined();
    for (const { container, state } of running) {
      for (const endpoint of state.endpoints) this.#index.adopt(container.id, endpoint);
      await this.#ports.restore(container, gatewayIn(state), state);
    }
    for (const network of this.#index.list()) {
      try {
        await this.#bringUp(network);
      } catch (error) {
        const { name } = network.record;
        this.#deps.log.error('a network could not be brought up', { network: name, error: causeChain(error) });
      }
    }
    if (this.#hasBridges()) await this.#replaceTable();
    await Promise.all(
      running.map(async (each) => {
        try {
          await this.serveNames(each);
        } catch (error) {
          const fields = { container: each.container.id, error: causeChain(error) };
          this.#deps.log.warn('the name service of a container could not be started again', fields);
        }
      }),
    );
  }

  /** Takes the bridges and the table away; to be called when no container runs any more. */
  async shutDown(): Promise<void> {
    const { host, log } = this.#deps;
    this.#names.stopAll();
    await this.#ports.end();
    if (!this.#hasBridges()) return;
    try {
      await host.filter('cannot remove the nftables table', withoutTable(this.#table));
      await this.#acceptForwarding([]);
      for (const { bridge } of this.list()) if (bridge) await removeBridge(host, bridge.name);
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
    try {
      for (const [name, wish] of networks) {
        const network = this.#index.find(name);
        if (network.upper === 0) await this.#bringUp(network);
        endpoints.push(this.#index.allocate(container, name, wish, endpoints.length));
      }
      const priorities = new Map(networks.map(([name, wish]) => [this.find(name).id, wish.gatewayPriority]));
      const gateway = chooseGateway(endpoints, priorities);
      const published = await this.#publish(container, gateway, ports);
      const places = endpoints.map((endpoint) => this.#placeOf(endpoint, endpoint === gateway));
      const filter = this.#ports.messagesOf(container.id);
      const state = { endpoints, ports: published, ...(gateway ? { gateway: gateway.endpointId } : {}) };
      const setup = setupOf(places, filter);
      if (!endpoints.some(({ networkId }) => this.hasNameService(networkId))) return { state, setup };
      const nameServicePort = this.#names.choosePort();
      const rules = { protocol: netlinkProtocol.netfilter, messages: nameServiceRules(nameServicePort).bytes() };
      return { state: { ...state, nameServicePort }, setup: { ...setup, inside: [...setup.inside, rules] } };
    } catch (error) {
      for (const endpoint of endpoints) this.#index.release(container.id, endpoint);
      throw error;
    }
  }

  /** Answers its questions for names, when one of its networks has names. Before its program starts. */
  async serveNames({ container, pid, state, servers }: Omit<RunningContainer, 'ports'>): Promise<void> {
    if (state.nameServicePort !== undefined) await this.#names.serve(container.id, pid, state.nameServicePort, servers);
  }

  /** The container has another name. */
  rename(containerId: string, state: NetworkState, from: string, to: string): NetworkState {
    const endpoints = state.endpoints.map((endpoint) => this.#index.rename(containerId, endpoint, from, to));
    return { ...state, endpoints };
  }

  /** The interfaces go with the namespace; ports are withdrawn, and free for others a moment later. */
  release(containerId: string, state: NetworkState): void {
    this.#names.stop(containerId);
    // kernel: taking an element out of a map waits for everybody who may be reading it, 10 ms and more.
    void this.#ports.withdraw(containerId, state.ports);
    for (const endpoint of state.endpoints) this.#index.release(containerId, endpoint);
  }

  /** One more network for a container that runs. Throws as `attach`; then nothing has changed. */
  async connect(running: RunningContainer, reference: string, wish: EndpointWish): Promise<NetworkState> {
    const { container, pid, state, ports } = running;
    const { host } = this.#deps;
    const network = this.#index.find(reference);
    refuseAtRunning(wish.driverOptions);
    if (network.upper === 0) await this.#bringUp(network);
    const endpoint = this.#index.allocate(container, reference, wish, freePosition(state.endpoints));
    const isGateway = state.gateway === undefined && hasWayOut(endpoint);
    const place = this.#placeOf(endpoint, isGateway);
    try {
      await host.change(`cannot connect ${container.name} to network ${network.record.name}`, outsideBatch(place, pid));
      try {
        await host.change('cannot set up the new interface', insideBatch(place), `/proc/${pid}/ns/net`);
        const published = isGateway ? await this.#publish(container, endpoint, ports) : state.ports;
        if (isGateway) await this.#replaceTable();
        const gateway = isGateway ? { gateway: endpoint.endpointId } : {};
        const names = await this.#startNames(running, endpoint);
        return { ...state, ...gateway, ...names, endpoints: [...state.endpoints, endpoint], ports: published };
      } catch (error) {
        await this.#deleteInside(pid, endpoint);
        throw error;
      }
    } catch (error) {
      this.#index.release(container.id, endpoint);
      throw error;
    }
  }

  /** Takes a running container off a network; the default route and its ports move to another one. */
  async disconnect(running: RunningContainer, networkId: string): Promise<NetworkState> {
    const { container, pid, state, ports } = running;
    const endpoint = state.endpoints.find((each) => each.networkId === networkId)!;
    await this.#deleteInside(pid, endpoint);
    this.#index.release(container.id, endpoint);
    const endpoints = state.endpoints.filter((each) => each !== endpoint);
    if (endpoint.endpointId !== state.gateway) return { ...state, endpoints };
    await this.#ports.withdraw(container.id, state.ports);
    const next = chooseGateway(endpoints, new Map());
    const { gateway: _, ...rest } = state;
    if (!next) return { ...rest, endpoints, ports: [] };
    const batch = new NetlinkBatch();
    addDefaultRoutes(batch, next);
    await this.#deps.host.change('cannot move the default route', batch, `/proc/${pid}/ns/net`);
    const published = await this.#publish(container, next, ports);
    await this.#replaceTable();
    return { ...rest, endpoints, gateway: next.endpointId, ports: published };
  }

  /** Of a container that had none so far. */
  async #startNames(
    { container, pid, state, servers }: RunningContainer,
    { networkId }: Endpoint,
  ): Promise<Pick<NetworkState, 'nameServicePort'>> {
    if (state.nameServicePort !== undefined || !this.hasNameService(networkId)) return {};
    const nameServicePort = this.#names.choosePort();
    const path = `/proc/${pid}/ns/net`;
    const what = 'cannot lead questions for names to the name service';
    await this.#deps.host.filter(what, nameServiceRules(nameServicePort), [], path);
    await this.#names.serve(container.id, pid, nameServicePort, servers);
    return { nameServicePort };
  }

  get #table(): string {
    return this.defaultMode === 'none' ? 'skiff' : this.#deps.options.bridge;
  }

  #hasBridges(): boolean {
    return this.list().some(({ bridge }) => bridge !== undefined);
  }

  #placeOf(endpoint: Endpoint, isGateway: boolean): EndpointPlace {
    const { record, upper } = this.#index.get(endpoint.networkId)!;
    return { endpoint, network: record, upper, isGateway };
  }

  async #deleteInside(pid: number, { interfaceName }: Endpoint): Promise<void> {
    const batch = new NetlinkBatch();
    deleteLink(batch, interfaceName);
    await this.#deps.host.change(`cannot remove the interface ${interfaceName}`, batch, `/proc/${pid}/ns/net`);
  }

  async #bringUp(network: KnownNetwork): Promise<void> {
    const { bridge, macvlan } = network.record;
    if (bridge) network.upper = await ensureBridge(this.#deps.host, network.record);
    if (!macvlan) return;
    const link = await this.#deps.host.link(macvlan.parent);
    if (!link) throw errors.noInterface(macvlan.parent);
    network.upper = link.index;
  }

  async #replaceTable(): Promise<void> {
    for (const batch of fullTable(this.#table, this.list(), this.#ports.targets())) {
      await this.#deps.host.filter('cannot set up nftables', batch);
    }
    await this.#acceptForwarding(this.list().flatMap(({ bridge }) => bridge?.name ?? []));
  }

  /** Others' rules may be of a kind we do not know: then it works without them, or does not. */
  async #acceptForwarding(bridges: readonly string[]): Promise<void> {
    const { host, log } = this.#deps;
    try {
      await acceptForwarding(host, this.#table, bridges);
    } catch (error) {
      log.warn("the FORWARD chain of the host's iptables could not be adapted", { error: causeChain(error) });
    }
  }

  /** compat: ports are published by bridges only; elsewhere the container is reached by its own address. */
  async #publish(
    container: ContainerIdentity,
    gateway: Endpoint | undefined,
    wishes: readonly PortWish[],
  ): Promise<PublishedPort[]> {
    const bridge = gateway && this.get(gateway.networkId)?.bridge;
    return bridge ? this.#ports.publish({ container, gateway, bridge }, wishes) : [];
  }

  async #ensurePredefined(): Promise<void> {
    const { options, store, nowNs } = this.#deps;
    const put = (record: NetworkRecord): void => {
      store.put(record.id, record);
      this.#index.add(record);
    };
    const facts = () => ({ id: newId(), createdAt: formatTimeNs(nowNs()) });
    for (const name of ['host', 'none'] as const) {
      if (!this.#index.named(name)) put(predefinedNetwork(name, facts()));
    }
    const before = this.#index.named('bridge')?.record;
    if (this.defaultMode === 'none') {
      if (before) {
        this.#index.forget(before);
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
    if (before) this.#index.forget(before);
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
}

const hasWayOut = ({ ipv4, ipv6 }: Endpoint): boolean => ipv4?.gateway !== undefined || ipv6?.gateway !== undefined;

/** compat: the highest priority, then the first by name, among the networks with a way out. */
function chooseGateway(endpoints: readonly Endpoint[], priorities: ReadonlyMap<string, number>): Endpoint | undefined {
  const priority = ({ networkId }: Endpoint): number => priorities.get(networkId) ?? 0;
  const byName = (a: Endpoint, b: Endpoint): number => (a.networkName < b.networkName ? -1 : 1);
  return endpoints.filter(hasWayOut).sort((a, b) => priority(b) - priority(a) || byName(a, b))[0];
}

const gatewayIn = ({ endpoints, gateway }: NetworkState): Endpoint | undefined =>
  endpoints.find(({ endpointId }) => endpointId === gateway);

/** `--bip 172.30.0.1/24`. Throws `network.invalid`. */
function addressOf(text: string): { readonly subnet: string; readonly gateway: string } {
  const { prefixLength } = parseCidr(text);
  const gateway = text.slice(0, text.indexOf('/'));
  return { subnet: `${gateway}/${prefixLength}`, gateway };
}
