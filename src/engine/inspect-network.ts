/** A container's networks and ports → Docker's JSON, for inspect and list. */
import type { Endpoint, EndpointWish } from '#network';
import { emptyWish, trafficOption } from '#network';
import type { ContainerRecord } from './container-record.ts';
import { networkingOf } from './container-settings.ts';
import { linksJson } from './links.ts';
import { networksOf, parsePort } from './networking.ts';
import type { EngineParts } from './parts.ts';

/** `NetworkSettings` of inspect. What older versions told beside it, `api` adds. */
export function networkSettingsOf(parts: EngineParts, record: ContainerRecord): object {
  const pid = record.process?.pid;
  return {
    SandboxID: record.network?.endpoints[0]?.endpointId ?? '',
    SandboxKey: record.network && pid !== undefined ? `/proc/${pid}/ns/net` : '',
    Ports: portMapOf(record),
    Networks: networksJson(parts, record),
  };
}

/** Network name → endpoint. */
export function networksJson(parts: EngineParts, record: ContainerRecord): Record<string, object> {
  const { networkMode } = record.settings.host;
  if (record.settings.networkDisabled) return {};
  if (networkMode === 'host' || networkMode === 'none') {
    const network = parts.networks.list().find(({ name }) => name === networkMode);
    return { [networkMode]: endpointJson(emptyWish, undefined, network?.id ?? '', []) };
  }
  return Object.fromEntries(
    networksOf(record.settings).map(([reference, wish]) => {
      const network = findNetwork(parts, reference);
      const endpoint = record.network?.endpoints.find(({ networkId }) => networkId === network?.id);
      return [network?.name ?? reference, endpointJson(wish, endpoint, network?.id ?? '', endpoint?.names ?? [])];
    }),
  );
}

function findNetwork({ networks }: EngineParts, reference: string) {
  try {
    return networks.find(reference);
  } catch {
    // One that was removed since; the container cannot be started, but it can be looked at.
    return undefined;
  }
}

function endpointJson(
  wish: EndpointWish,
  endpoint: Endpoint | undefined,
  networkId: string,
  names: readonly string[],
): object {
  const { ipv4, ipv6 } = wish;
  const hasAddress = ipv4 !== undefined || ipv6 !== undefined;
  return {
    IPAMConfig: hasAddress
      ? { ...(ipv4 === undefined ? {} : { IPv4Address: ipv4 }), ...(ipv6 === undefined ? {} : { IPv6Address: ipv6 }) }
      : null,
    Links: wish.links.length > 0 ? wish.links : null,
    Aliases: wish.aliases.length > 0 ? wish.aliases : null,
    MacAddress: endpoint?.mac ?? '',
    DriverOpts: Object.keys(wish.driverOptions).length > 0 ? wish.driverOptions : null,
    GwPriority: wish.gatewayPriority,
    NetworkID: networkId,
    EndpointID: endpoint?.endpointId ?? '',
    Gateway: endpoint?.ipv4?.gateway ?? '',
    IPAddress: endpoint?.ipv4?.address ?? '',
    IPPrefixLen: endpoint?.ipv4?.prefixLength ?? 0,
    IPv6Gateway: endpoint?.ipv6?.gateway ?? '',
    GlobalIPv6Address: endpoint?.ipv6?.address ?? '',
    GlobalIPv6PrefixLen: endpoint?.ipv6?.prefixLength ?? 0,
    // compat: the default network has no name service.
    DNSNames: endpoint && endpoint.networkName !== 'bridge' ? names : null,
    ...(endpoint?.limits ? { Limits: limitsJson(endpoint.limits) } : {}),
  };
}

/** Not Docker's: in bits per second, and bytes. */
function limitsJson(limits: NonNullable<Endpoint['limits']>): object {
  const { in: into, out } = limits;
  return {
    ...(into ? { RateIn: into.bytesPerSecond * 8, BurstIn: into.burstBytes } : {}),
    ...(out ? { RateOut: out.bytesPerSecond * 8, BurstOut: out.burstBytes } : {}),
  };
}

/** `80/tcp` → where it is published, or null for one that is only exposed. compat: nothing before it runs. */
function portMapOf({ network, program }: ContainerRecord): Record<string, object[] | null> {
  if (!network) return {};
  const ports: Record<string, object[] | null> = {};
  for (const port of program.exposedPorts ?? []) ports[port] = null;
  for (const { containerPort, protocol, hostIp, hostPort } of network.ports) {
    const key = `${containerPort}/${protocol}`;
    ports[key] = [...(ports[key] ?? []), { HostIp: hostIp, HostPort: hostPort === 0 ? '' : String(hostPort) }];
  }
  return ports;
}

export interface ListedPort {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

/** `Ports` of the list. */
export function portListOf({ network, program }: ContainerRecord): ListedPort[] {
  if (!network) return [];
  const published = new Set(network.ports.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`));
  const exposed = (program.exposedPorts ?? []).filter((port) => !published.has(port)).map(parsePort);
  return [
    ...exposed.map(({ containerPort, protocol }) => ({ PrivatePort: containerPort, Type: protocol })),
    ...network.ports.map(({ containerPort, protocol, hostIp, hostPort }) => ({
      IP: hostIp,
      PrivatePort: containerPort,
      // compat: none where it is open on the container's own address.
      ...(hostPort === 0 ? {} : { PublicPort: hostPort }),
      Type: protocol,
    })),
  ];
}

/** What HostConfig says of networks. */
export function hostNetworkingOf(parts: EngineParts, record: ContainerRecord): object {
  const { settings } = record;
  const { limits = {}, portBindings, publishAll, dns, dnsOptions, dnsSearch } = networkingOf(settings);
  return {
    PortBindings: Object.fromEntries(
      Object.entries(portBindings).map(([port, bindings]) => [
        port,
        bindings.map(({ hostIp, hostPort }) => ({ HostIp: hostIp, HostPort: hostPort })),
      ]),
    ),
    PublishAllPorts: publishAll,
    Dns: dns,
    DnsOptions: dnsOptions,
    DnsSearch: dnsSearch,
    Links: linksJson(parts, record),
    // Not Docker's.
    ...(Object.keys(limits).length > 0 ? { NetworkLimits: networkLimitsJson(limits) } : {}),
  };
}

function networkLimitsJson(limits: Readonly<Record<string, string>>): object {
  const { rateIn, burstIn, rateOut, burstOut } = trafficOption;
  const fields = { RateIn: rateIn, BurstIn: burstIn, RateOut: rateOut, BurstOut: burstOut };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, name]) => (limits[name] === undefined ? [] : [[field, limits[name]]])),
  );
}
