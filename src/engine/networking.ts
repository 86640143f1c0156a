/** A container's wishes for networks → what it gets of them at its start. */
import type {
  AttachRequest,
  ContainerIdentity,
  EndpointWish,
  NetworkSetup,
  NetworkState,
  PortProtocol,
  PortWish,
} from '#network';
import { emptyWish, readTrafficLimits, trafficOptionsIn, upstreamServers } from '#network';
import type { ContainerRecord } from './container-record.ts';
import { type ContainerSettings, networkingOf, networkModeOf } from './container-settings.ts';
import { errors } from './errors.ts';
import { settleLinks } from './links.ts';
import { readHostFile } from './managed-files.ts';
import { hostnameOf } from './oci-config.ts';
import type { EngineParts } from './parts.ts';

const OF_CONTAINER = 'container:';
/** Whatever the network's is: bursts are compared with that once the container starts. */
const LEAST_MTU = 68;

/** Where a container is on the network; nothing of it for one that is on none, or on the host's. */
export interface NetworkPlace {
  readonly state?: NetworkState;
  readonly setup?: NetworkSetup;
  /** Of another container, which it shares the network with. */
  readonly namespacePath?: string;
  /** Id of the container whose /etc/hosts, /etc/resolv.conf and /etc/hostname are its own too. */
  readonly filesOf?: string;
}

/**
 * The mode completed by the daemon's default, the container it names by its id. Throws `container.invalid` for what cannot
 * go together.
 */
export function settleNetworking(parts: EngineParts, settings: ContainerSettings): ContainerSettings {
  const { networkMode } = settings.host;
  const withMode = (mode: string): ContainerSettings => ({
    ...settings,
    host: { ...settings.host, networkMode: mode },
  });
  if (networkMode === '' || networkMode === 'default')
    return settleNetworking(parts, withMode(parts.networks.defaultMode));
  if (settings.networkDisabled) return settings;
  if (networkMode === 'bridge' && parts.networks.defaultMode === 'none') throw errors.noDefaultBridge();
  checkLimits(settings);
  if (!networkMode.startsWith(OF_CONTAINER)) return settleLinks(parts, settings);
  refuseWithContainerMode(settings);
  const reference = networkMode.slice(OF_CONTAINER.length);
  const target = parts.containers.find(reference);
  if (!target || target === 'ambiguous') throw errors.noNetworkOwner(reference);
  return { ...withMode(`${OF_CONTAINER}${target.id}`), hostname: hostnameOf(target.id, target.settings.hostname) };
}

/** Throws `network.invalid` for limits that are none, `container.invalid` where there is no interface to limit. */
export function checkLimits(settings: ContainerSettings): void {
  const networkMode = networkModeOf(settings);
  const wide = limitsOf(settings);
  const isAlone = networkMode === 'host' || networkMode === 'none' || networkMode.startsWith(OF_CONTAINER);
  if (isAlone && Object.keys(wide).length > 0) {
    const names = Object.keys(wide).join(', ');
    throw errors.invalid(`${names}: a container with the network mode ${networkMode} has no interfaces of its own`);
  }
  for (const [, { driverOptions }] of networksOf(settings)) readTrafficLimits({ ...wide, ...driverOptions }, LEAST_MTU);
}

/** Those of all its networks. */
const limitsOf = (settings: ContainerSettings): Readonly<Record<string, string>> => ({
  ...trafficOptionsIn(settings.labels),
  ...networkingOf(settings).limits,
});

/** What is asked of a network, with what is asked of all of them. */
export function withLimits(settings: ContainerSettings, wish: EndpointWish): EndpointWish {
  return { ...wish, driverOptions: { ...limitsOf(settings), ...wish.driverOptions } };
}

/** compat: what belongs to the other container's network cannot be asked for here. */
function refuseWithContainerMode(settings: ContainerSettings): void {
  const { exposedPorts, portBindings, publishAll, dns, mac, links = [] } = networkingOf(settings);
  const conflicts: readonly (readonly [boolean, string])[] = [
    [links.length > 0, "container type network can't be used with links. This would result in undefined behavior"],
    [settings.hostname !== '', 'hostname and the network mode'],
    [dns.length > 0, 'dns and the network mode'],
    [settings.host.extraHosts.length > 0, 'custom host-to-IP mapping and the network mode'],
    [mac !== '', 'mac-address and the network mode'],
    [publishAll || Object.keys(portBindings).length > 0, 'port publishing and the container type network mode'],
    [exposedPorts.length > 0, 'port exposing and the container type network mode'],
  ];
  const conflict = conflicts.find(([is]) => is);
  if (conflict) throw errors.invalid(`conflicting options: ${conflict[1]}`);
}

/** Who it is on networks. */
export function identityOf({ id, name, settings }: ContainerRecord): ContainerIdentity {
  return { id, name, names: [...new Set([id.slice(0, 12), hostnameOf(id, settings.hostname)])] };
}

/** Joins the networks. Throws what `Networks.attach` throws, and when the container whose network is shared does not run. */
export async function attachNetworks(parts: EngineParts, record: ContainerRecord): Promise<NetworkPlace> {
  const networkMode = networkModeOf(record.settings);
  if (networkMode.startsWith(OF_CONTAINER)) return shareNetwork(parts, networkMode.slice(OF_CONTAINER.length));
  if (networkMode === 'host' || networkMode === 'none') return {};
  return parts.networks.attach(attachRequest(record));
}

export function attachRequest(record: ContainerRecord): AttachRequest {
  const networks = networksOf(record.settings).map(
    ([name, wish]) => [name, withLimits(record.settings, wish)] as const,
  );
  return { container: identityOf(record), networks, ports: portWishes(record) };
}

/** The network of the mode has the first interface. */
export function networksOf(settings: ContainerSettings): (readonly [string, EndpointWish])[] {
  const networkMode = networkModeOf(settings);
  if (networkMode === 'host' || networkMode === 'none' || networkMode.startsWith(OF_CONTAINER)) return [];
  const { endpoints, mac } = networkingOf(settings);
  const { [networkMode]: first = emptyWish, ...others } = endpoints;
  const withMac = mac === '' || first.mac !== undefined ? first : { ...first, mac };
  return [[networkMode, withMac], ...Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1))];
}

function shareNetwork(parts: EngineParts, id: string): NetworkPlace {
  const target = parts.containers.get(id);
  if (!target) throw errors.noSuch(id);
  if (!target.process || target.status === 'restarting') throw errors.cannotJoin(id);
  const { pid } = target.process;
  return { namespacePath: `/proc/${pid}/ns/net`, filesOf: filesHolder(parts, target) };
}

/** A container that shares a network may share one that is shared itself. */
function filesHolder(parts: EngineParts, record: ContainerRecord): string {
  const networkMode = networkModeOf(record.settings);
  const next = networkMode.startsWith(OF_CONTAINER)
    ? parts.containers.get(networkMode.slice(OF_CONTAINER.length))
    : undefined;
  return next ? filesHolder(parts, next) : record.id;
}

/** Its name service, before its program starts. */
export async function serveNames(
  { networks }: Pick<EngineParts, 'networks'>,
  record: ContainerRecord,
  pid: number,
  state: NetworkState,
): Promise<void> {
  await networks.serveNames({ container: identityOf(record), pid, state, servers: upstreamsOf(record) });
}

/** Where names are asked for that nobody here has. */
export function upstreamsOf({ settings }: ContainerRecord): readonly string[] {
  return upstreamServers(networkingOf(settings), readHostFile);
}

/** What is to be published: the bindings, and with `-P` every exposed port that has none. */
function portWishes({ settings, program }: ContainerRecord): PortWish[] {
  const { portBindings, publishAll } = networkingOf(settings);
  const bound = Object.entries(portBindings).flatMap(([port, bindings]) =>
    (bindings.length === 0 ? [{ hostIp: '', hostPort: '' }] : bindings).map(({ hostIp, hostPort }): PortWish => {
      const [from = 0, to = from] = hostPort === '' ? [] : hostPort.split('-').map(Number);
      return { ...parsePort(port), hostIp, hostPort: from, hostPortEnd: to };
    }),
  );
  if (!publishAll) return bound;
  const exposed = (program.exposedPorts ?? []).filter((port) => !(port in portBindings));
  return [...bound, ...exposed.map((port) => ({ ...parsePort(port), hostIp: '', hostPort: 0, hostPortEnd: 0 }))];
}

/** `80/tcp`; the API has checked it. */
export function parsePort(text: string): { readonly containerPort: number; readonly protocol: PortProtocol } {
  const [number = '', protocol = 'tcp'] = text.split('/');
  return { containerPort: Number(number), protocol: protocol as PortProtocol };
}

/** Tells that a container came to its networks, or left them. */
export function announceEndpoints(
  parts: EngineParts,
  { id, network }: ContainerRecord,
  action: 'connect' | 'disconnect',
): void {
  for (const { networkId, networkName } of network?.endpoints ?? []) {
    const type = parts.networks.get(networkId)?.driver ?? 'bridge';
    parts.events.emit('network', action, networkId, { container: id, name: networkName, type });
  }
}
