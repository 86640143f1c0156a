/** Docker's words for networks and ports in a create body → networking settings. What this version cannot honour is refused. */
import { isIP } from 'node:net';
import type { NetworkingSettings, PortBinding } from '#engine';
import { type EndpointWish, parseLink, trafficOption } from '#network';
import type { ContainerCreateBody, EndpointSettingsBody, NetworkLimitsBody, PortBindingBody } from '#specs';
import { errors } from './errors.ts';
import { portsOf } from './exposed-ports.ts';

const MAX_PORT = 65535;

export function parseNetworking({ HostConfig, NetworkingConfig, ...body }: ContainerCreateBody): NetworkingSettings {
  const host = HostConfig ?? {};
  return {
    endpoints: Object.fromEntries(
      Object.entries(NetworkingConfig?.EndpointsConfig ?? {}).map(([name, endpoint]) => [
        // compat: old clients say default for the default bridge.
        name === 'default' ? 'bridge' : name,
        parseEndpoint(endpoint ?? {}),
      ]),
    ),
    exposedPorts: [...new Set(Object.keys(body.ExposedPorts ?? {}).flatMap(portsOf))],
    portBindings: Object.fromEntries(
      Object.entries(host.PortBindings ?? {}).map(([port, bindings]) => [
        checkPort(port),
        (bindings ?? []).map(parseBinding),
      ]),
    ),
    publishAll: host.PublishAllPorts ?? false,
    mac: checkMac(body.MacAddress ?? ''),
    dns: (host.Dns ?? []).map(checkServer),
    dnsOptions: host.DnsOptions ?? [],
    dnsSearch: host.DnsSearch ?? [],
    ...(host.Links?.length ? { links: host.Links.map(checkLink) } : {}),
    ...(host.NetworkLimits ? { limits: parseNetworkLimits(host.NetworkLimits) } : {}),
  };
}

/** Of a create body, and of POST /networks/{id}/connect. */
export function parseEndpoint(body: EndpointSettingsBody): EndpointWish {
  const { IPv4Address = '', IPv6Address = '', LinkLocalIPs } = body.IPAMConfig ?? {};
  if ((LinkLocalIPs ?? []).length > 0) throw errors.unsupported('IPAMConfig.LinkLocalIPs', 'leave it out');
  for (const link of body.Links ?? []) parseLink(link);
  if (IPv4Address !== '' && isIP(IPv4Address) !== 4) {
    throw errors.invalid(`invalid endpoint settings: invalid IPv4 address: ${IPv4Address}`);
  }
  if (IPv6Address !== '' && isIP(IPv6Address) !== 6) {
    throw errors.invalid(`invalid endpoint settings: invalid IPv6 address: ${IPv6Address}`);
  }
  const mac = checkMac(body.MacAddress ?? '');
  return {
    ...(IPv4Address === '' ? {} : { ipv4: IPv4Address }),
    ...(IPv6Address === '' ? {} : { ipv6: IPv6Address }),
    ...(mac === '' ? {} : { mac }),
    aliases: body.Aliases ?? [],
    links: body.Links ?? [],
    driverOptions: body.DriverOpts ?? {},
    gatewayPriority: body.GwPriority ?? 0,
  };
}

function checkLink(text: string): string {
  parseLink(text);
  return text;
}

/** Of a create body and an update body; an empty text says nothing. What the texts say is checked by the engine. */
export function parseNetworkLimits(body: NetworkLimitsBody): Record<string, string> {
  const { rateIn, burstIn, rateOut, burstOut } = trafficOption;
  const given = { [rateIn]: body.RateIn, [burstIn]: body.BurstIn, [rateOut]: body.RateOut, [burstOut]: body.BurstOut };
  return Object.fromEntries(Object.entries(given).flatMap(([name, text]) => (text ? [[name, text]] : [])));
}

/** `80`, `80/tcp`; gives it with its protocol. */
function checkPort(text: string): string {
  const [number = '', protocol = 'tcp', ...more] = text.toLowerCase().split('/');
  const isPort = /^\d{1,5}$/.test(number) && Number(number) >= 1 && Number(number) <= MAX_PORT;
  if (!isPort || more.length > 0) throw errors.invalid(`invalid port specification: "${text}"`);
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw errors.invalid(`Invalid proto: ${protocol}`);
  return `${Number(number)}/${protocol}`;
}

function parseBinding({ HostIp = '', HostPort = '' }: PortBindingBody): PortBinding {
  if (HostIp !== '' && isIP(HostIp) === 0) throw errors.invalid(`invalid IP address: ${HostIp}`);
  const [from = '', to = from, ...more] = HostPort.split('-');
  const isPort = (part: string): boolean => /^\d{1,5}$/.test(part) && Number(part) <= MAX_PORT;
  if (HostPort !== '' && (!isPort(from) || !isPort(to) || more.length > 0 || Number(to) < Number(from))) {
    throw errors.invalid(`invalid port specification: "${HostPort}"`);
  }
  return { hostIp: HostIp, hostPort: HostPort === '0' ? '' : HostPort };
}

function checkMac(text: string): string {
  if (text !== '' && !/^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(text)) {
    throw errors.invalid(`invalid MAC address: ${text}`);
  }
  return text.toLowerCase().replaceAll('-', ':');
}

/** `NAME:ADDRESS`; `host-gateway` stands for an address of the host. */
export function checkHost(text: string): string {
  const at = text.indexOf(':');
  if (at <= 0) throw errors.invalid(`bad format for add-host: ${JSON.stringify(text)}`);
  const address = text.slice(at + 1);
  if (address !== 'host-gateway' && isIP(address.trim().replace(/^\[(.*)\]$/, '$1')) === 0) {
    throw errors.invalid(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return text;
}

function checkServer(text: string): string {
  if (isIP(text) === 0) throw errors.invalid(`bad nameserver address: ${JSON.stringify(text)}`);
  return text;
}
