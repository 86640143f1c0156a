/** Changes of a container's networks while it runs: one more, one less, its default routes, its limits. */
import { causeChain, type Log } from '#base';
import { deleteLink, limitRate, NetlinkBatch, unlimitRate } from '#wire';
import type { NameService } from './dns/name-service.ts';
import { hasNames } from './dns/name-service.ts';
import { nameServiceRules, withoutNameServiceRules } from './dns/rules.ts';
import { refuseAtRunning } from './endpoint-options.ts';
import { addDefaultRoutes, addInterface, hostIndexOf, outsideBatch } from './endpoint-setup.ts';
import { errors } from './errors.ts';
import { chooseGateway, defaultRoutes, gatewayIn } from './gateways.ts';
import type { HostNetwork } from './host-network.ts';
import type { KernelNetworks } from './kernel-networks.ts';
import { type ContainerIdentity, freePosition, type NetworkIndex } from './network-index.ts';
import type { Endpoint, EndpointWish, NetworkState, PortWish, PublishedPort } from './network-record.ts';
import type { PublishedPorts } from './published-ports.ts';
import { readTrafficLimits, type TrafficLimits } from './traffic-limits.ts';

/** A container that runs, and what it has. */
export interface RunningContainer {
  readonly container: ContainerIdentity;
  readonly pid: number;
  readonly state: NetworkState;
  readonly ports: readonly PortWish[];
  /** Where its name service asks for names it does not know. */
  readonly servers: readonly string[];
}

export interface LiveEndpointsDeps {
  readonly host: HostNetwork;
  readonly log: Log;
  readonly index: NetworkIndex;
  readonly names: NameService;
  readonly ports: PublishedPorts;
  readonly kernel: KernelNetworks;
}

const ENOENT = 2;
const EINVAL = 22;
const namespaceOf = (pid: number): string => `/proc/${pid}/ns/net`;

export class LiveEndpoints {
  readonly #deps: LiveEndpointsDeps;

  constructor(deps: LiveEndpointsDeps) {
    this.#deps = deps;
  }

  /** One more network. Throws as `Networks.attach`; then nothing has changed. */
  async connect(running: RunningContainer, reference: string, wish: EndpointWish): Promise<NetworkState> {
    const { host, index, kernel } = this.#deps;
    const { container, pid, state } = running;
    const network = index.find(reference);
    refuseAtRunning(wish.driverOptions);
    if (network.upper === 0) await kernel.bringUp(network);
    const endpoint = index.allocate(container, reference, wish, freePosition(state.endpoints));
    const endpoints = [...state.endpoints, endpoint];
    try {
      const place = { endpoint, network: network.record, upper: network.upper };
      await host.change(`cannot connect ${container.name} to network ${network.record.name}`, outsideBatch(place, pid));
      try {
        const inside = new NetlinkBatch();
        addInterface(inside, endpoint);
        addDefaultRoutes(inside, defaultRoutes(endpoints));
        await host.change('cannot set up the new interface', inside, namespaceOf(pid));
        const names = await this.#startNames(running, endpoint);
        try {
          return { ...(await this.#movePorts(running, { ...state, endpoints })), ...names };
        } catch (error) {
          if (names.nameServicePort !== undefined) await this.#endNames(running);
          throw error;
        }
      } catch (error) {
        await this.#deleteInside(pid, endpoint);
        await this.#route(pid, state.endpoints);
        throw error;
      }
    } catch (error) {
      index.release(container.id, endpoint);
      throw error;
    }
  }

  /** Takes a container off a network; default routes and ports move to another one. */
  async disconnect(running: RunningContainer, networkId: string): Promise<NetworkState> {
    const { container, pid, state } = running;
    const endpoint = state.endpoints.find((each) => each.networkId === networkId)!;
    await this.#deleteInside(pid, endpoint);
    this.#deps.index.release(container.id, endpoint);
    const endpoints = state.endpoints.filter((each) => each !== endpoint);
    await this.#route(pid, endpoints);
    return this.#movePorts(running, { ...state, endpoints });
  }

  /** Other limits: `optionsOf` gives an endpoint's options. Throws `network.invalid` before anything is changed. */
  async limit(
    { pid, state }: Pick<RunningContainer, 'pid' | 'state'>,
    optionsOf: (endpoint: Endpoint) => Readonly<Record<string, string>>,
  ): Promise<NetworkState> {
    const { index } = this.#deps;
    const changed = state.endpoints.map((endpoint): Endpoint => {
      const { limits: _, ...rest } = endpoint;
      const limits = readTrafficLimits(optionsOf(endpoint), index.mtuOf(endpoint));
      if (limits.in && endpoint.hostInterface === '') {
        throw errors.noRateIn(endpoint.networkName, index.get(endpoint.networkId)!.record.driver);
      }
      return Object.keys(limits).length === 0 ? rest : { ...rest, limits };
    });
    try {
      for (const [at, after] of changed.entries()) await this.#setLimits(pid, state.endpoints[at]!, after);
    } catch (error) {
      for (const [at, after] of changed.entries()) await this.#setLimits(pid, after, state.endpoints[at]!);
      throw error;
    }
    return { ...state, endpoints: changed };
  }

  async #setLimits(pid: number, { limits: before = {} }: Endpoint, after: Endpoint): Promise<void> {
    const { hostInterface, interfaceIndex, limits = {} } = after;
    if (hostInterface !== '') await this.#setRate(hostIndexOf(hostInterface), before.in, limits.in);
    await this.#setRate(interfaceIndex, before.out, limits.out, namespaceOf(pid));
  }

  async #setRate(
    index: number,
    before: TrafficLimits['in'],
    after: TrafficLimits['in'],
    namespacePath = '',
  ): Promise<void> {
    const batch = new NetlinkBatch();
    if (after) limitRate(batch, index, after);
    else if (before) unlimitRate(batch, index);
    else return;
    const { host } = this.#deps;
    // kernel: EINVAL where there is none of the handle any more. Somebody has taken it away already.
    await host.change('cannot change how fast it may send', batch, namespacePath, after ? [] : [ENOENT, EINVAL]);
  }

  /** Where its ports lead now that it has these endpoints; each keeps its port of the host. */
  async #movePorts(running: RunningContainer, after: NetworkState): Promise<NetworkState> {
    const { container, state, ports } = running;
    const gateway = chooseGateway(after.endpoints);
    if (gateway?.endpointId === state.gateway) return after;
    const { gateway: _, ...rest } = after;
    await this.#deps.ports.withdraw(container.id, state.ports);
    const wishes = samePorts(ports, state.ports);
    try {
      const published = await this.publish(container, gateway, wishes);
      await this.#deps.ports.tellKernel(container.id);
      return { ...rest, ...(gateway ? { gateway: gateway.endpointId } : {}), ports: published };
    } catch (error) {
      const before = gatewayIn(state);
      // Gone with the interface that was taken away: then its ports are published no more.
      if (!before || !after.endpoints.includes(before)) {
        this.#deps.log.warn('ports could not be moved', { container: container.id, error: causeChain(error) });
        return { ...rest, ...(gateway ? { gateway: gateway.endpointId } : {}), ports: [] };
      }
      await this.publish(container, before, wishes);
      await this.#deps.ports.tellKernel(container.id);
      throw error;
    }
  }

  /** compat: ports are published by bridges only; elsewhere the container is reached by its own address. */
  async publish(
    container: ContainerIdentity,
    gateway: Endpoint | undefined,
    wishes: readonly PortWish[],
  ): Promise<PublishedPort[]> {
    const bridge = gateway && this.#deps.index.get(gateway.networkId)?.record.bridge;
    return bridge ? this.#deps.ports.publish({ container, gateway, bridge }, wishes) : [];
  }

  async #route(pid: number, endpoints: readonly Endpoint[]): Promise<void> {
    const routes = defaultRoutes(endpoints);
    if (routes.length === 0) return;
    const batch = new NetlinkBatch();
    addDefaultRoutes(batch, routes);
    await this.#deps.host.change('cannot move the default route', batch, namespaceOf(pid));
  }

  async #deleteInside(pid: number, { interfaceName }: Endpoint): Promise<void> {
    const batch = new NetlinkBatch();
    deleteLink(batch, interfaceName);
    await this.#deps.host.change(`cannot remove the interface ${interfaceName}`, batch, namespaceOf(pid));
  }

  /** Of a container that had none so far. */
  async #startNames(
    { container, pid, state, servers }: RunningContainer,
    { networkId }: Endpoint,
  ): Promise<Pick<NetworkState, 'nameServicePort'>> {
    const { index, names, host } = this.#deps;
    if (state.nameServicePort !== undefined || !hasNames(index.get(networkId)!.record)) return {};
    const nameServicePort = names.choosePort();
    const what = 'cannot lead questions for names to the name service';
    await host.filter(what, nameServiceRules(nameServicePort), [], namespaceOf(pid));
    await names.serve(container.id, pid, nameServicePort, servers);
    return { nameServicePort };
  }

  async #endNames({ container, pid }: RunningContainer): Promise<void> {
    const { names, host } = this.#deps;
    names.stop(container.id);
    await host.filter('cannot take back the way to the name service', withoutNameServiceRules(), [], namespaceOf(pid));
  }
}

/** Wishes for any port become wishes for the one that was got. */
function samePorts(wishes: readonly PortWish[], before: readonly PublishedPort[]): PortWish[] {
  const left = before.filter(({ hostPort }) => hostPort !== 0);
  return wishes.map((wish) => {
    const at = left.findIndex(
      ({ containerPort, protocol, hostPort }) =>
        containerPort === wish.containerPort &&
        protocol === wish.protocol &&
        (wish.hostPort === 0 || (hostPort >= wish.hostPort && hostPort <= Math.max(wish.hostPort, wish.hostPortEnd))),
    );
    if (at < 0) return wish;
    const { hostPort } = left[at]!;
    for (let index = left.length - 1; index >= 0; index--) {
      const { containerPort, protocol, hostPort: port } = left[index]!;
      if (containerPort === wish.containerPort && protocol === wish.protocol && port === hostPort)
        left.splice(index, 1);
    }
    return { ...wish, hostPort, hostPortEnd: hostPort };
  });
}
