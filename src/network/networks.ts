/**
 * Networks of one daemon: their records, their bridges and rules, and the endpoints of what runs.
 *
 * Records are the truth for networks; for endpoints the containers' records are, and `restore` is told what they say. The
 * kernel is made to agree at `restore` and with each change.
 */
import { causeChain, formatTimeNs, type Log, type RecordStore } from '#base';
import type { Launcher } from '#linux';
import { netlinkProtocol } from '#wire';
import { configRecord, withConfig } from './config-networks.ts';
import { hasNames, NameService } from './dns/name-service.ts';
import { nameServiceRules } from './dns/rules.ts';
import { setupOf, type NetworkSetup } from './endpoint-setup.ts';
import { errors } from './errors.ts';
import { chooseGateway, gatewayIn } from './gateways.ts';
import type { HostNetwork } from './host-network.ts';
import { KernelNetworks } from './kernel-networks.ts';
import { LiveEndpoints, type RunningContainer } from './live-endpoints.ts';
import { type ContainerIdentity, NetworkIndex, newId } from './network-index.ts';
import type { Endpoint, EndpointWish, NetworkRecord, NetworkState, PortWish } from './network-record.ts';
import { completeRequest, type NetworkRequest } from './network-request.ts';
import { occupiedSubnets } from './occupied-subnets.ts';
import { type DefaultBridge, ensurePredefined } from './predefined-networks.ts';
import { PublishedPorts } from './published-ports.ts';

/** `bridge` names the table, too. */
export interface NetworkOptions extends DefaultBridge {
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

export const emptyWish: EndpointWish = { aliases: [], links: [], driverOptions: {}, gatewayPriority: 0 };

export class Networks {
  readonly #deps: NetworksDeps;
  readonly #index: NetworkIndex;
  readonly #names: NameService;
  readonly #ports: PublishedPorts;
  readonly #kernel: KernelNetworks;
  readonly #live: LiveEndpoints;

  constructor(deps: NetworksDeps) {
    this.#deps = deps;
    const { host, log, options } = deps;
    const table = options.bridge === 'none' ? 'skiff' : options.bridge;
    const index = new NetworkIndex(() => Number(deps.nowNs() / 1_000_000n));
    const names = new NameService(index, deps.launcher);
    const ports = new PublishedPorts({ host, log, table, relayAll: options.publishMode === 'listen' });
    const kernel = new KernelNetworks({ host, log, table, index, ports });
    this.#index = index;
    this.#names = names;
    this.#ports = ports;
    this.#kernel = kernel;
    this.#live = new LiveEndpoints({ host, log, index, names, ports, kernel });
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

  /** Subnet → how many of its addresses are in use, and how many can be had. */
  usageOf(id: string): ReadonlyMap<string, { readonly inUse: bigint; readonly available: bigint }> {
    const network = this.#index.get(id);
    return new Map(network?.pools.map((pool, at) => [network.record.pools[at]!.subnet, pool.usage]));
  }

  /** Throws what `completeRequest` refuses, `network.nameTaken`, `network.kernel`. Nothing is left of one that failed. */
  async create(request: NetworkRequest): Promise<NetworkRecord> {
    if (['bridge', 'host', 'none', 'default'].includes(request.name)) throw errors.predefined(request.name);
    const { host, store, nowNs } = this.#deps;
    const occupied = await occupiedSubnets(host, this.list());
    if (this.#index.named(request.name)) throw errors.nameTaken(request.name);
    const facts = { id: newId(), createdAt: formatTimeNs(nowNs()) };
    const record = request.configOnly
      ? configRecord(request, facts)
      : completeRequest(withConfig(request, this.list()), { ...facts, occupied });
    const twin = this.list().find(({ bridge }) => bridge && bridge.name === record.bridge?.name);
    if (twin) throw errors.invalid(`network ${twin.name} uses the bridge ${record.bridge!.name} already`);
    store.put(record.id, record);
    this.#index.add(record);
    try {
      await this.#kernel.bringUp(this.#index.get(record.id)!);
      if (record.bridge) await this.#kernel.replaceTable();
    } catch (error) {
      this.#index.forget(record);
      store.delete(record.id);
      await this.#kernel.takeDownLeft(record);
      throw error;
    }
    return record;
  }

  /** Throws `network.cannotRemovePredefined` and `network.inUse`. */
  async remove(reference: string): Promise<NetworkRecord> {
    const { record, endpoints } = this.#index.find(reference);
    if (record.predefined) throw errors.cannotRemovePredefined(record.name);
    if (endpoints.size > 0) throw errors.inUse(record.name, record.id);
    if (record.configOnly && this.list().some(({ configFrom }) => configFrom === record.name)) {
      throw errors.configInUse(record.name);
    }
    this.#index.forget(record);
    this.#deps.store.delete(record.id);
    if (record.bridge) await this.#kernel.replaceTable();
    await this.#kernel.takeDown(record);
    return record;
  }

  /** Makes the kernel agree with the records and with what runs; the predefined networks are made at the first start. */
  async restore(running: readonly Omit<RunningContainer, 'ports'>[]): Promise<void> {
    for (const record of this.#deps.store.list()) this.#index.add(record);
    await ensurePredefined({ ...this.#deps, index: this.#index }, this.#deps.options);
    for (const { container, state } of running) {
      for (const endpoint of state.endpoints) this.#index.adopt(container.id, endpoint);
      await this.#ports.restore(container, gatewayIn(state), state);
    }
    for (const network of this.#index.list()) {
      try {
        await this.#kernel.bringUp(network);
      } catch (error) {
        const { name } = network.record;
        this.#deps.log.error('a network could not be brought up', { network: name, error: causeChain(error) });
      }
    }
    if (this.#kernel.hasBridges) await this.#kernel.replaceTable();
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
    this.#names.stopAll();
    await this.#ports.end();
    await this.#kernel.takeAllDown();
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
        if (network.upper === 0) await this.#kernel.bringUp(network);
        endpoints.push(this.#index.allocate(container, name, wish, endpoints.length));
      }
      const gateway = chooseGateway(endpoints);
      const published = await this.#live.publish(container, gateway, ports);
      const places = endpoints.map((endpoint) => {
        const { record: network, upper } = this.#index.get(endpoint.networkId)!;
        return { endpoint, network, upper };
      });
      const state = { endpoints, ports: published, ...(gateway ? { gateway: gateway.endpointId } : {}) };
      const setup = setupOf(places, this.#ports.messagesOf(container.id));
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
  connect(running: RunningContainer, reference: string, wish: EndpointWish): Promise<NetworkState> {
    return this.#live.connect(running, reference, wish);
  }

  /** Takes a running container off a network; the default route and its ports move to another one. */
  disconnect(running: RunningContainer, networkId: string): Promise<NetworkState> {
    return this.#live.disconnect(running, networkId);
  }

  /** Other limits for a running container, by an endpoint's options. Throws `network.invalid`; then nothing has changed. */
  limit(
    running: Pick<RunningContainer, 'pid' | 'state'>,
    optionsOf: (endpoint: Endpoint) => Readonly<Record<string, string>>,
  ): Promise<NetworkState> {
    return this.#live.limit(running, optionsOf);
  }
}
