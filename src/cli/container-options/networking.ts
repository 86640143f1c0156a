/** The flags of networks, ports and name servers → their part of the create body. */
import type { ContainerCreateBody, EndpointSettingsBody, HostConfigBody } from '#specs';
import { errors } from '../errors.ts';
import type { ContainerFlags } from './flags.ts';
import type { NetworkFlag } from './networks.ts';

/** Throws `cli.invalid` for flags that contradict each other. */
export function networkingOf(flags: ContainerFlags): Pick<ContainerCreateBody, 'NetworkingConfig' | 'ExposedPorts'> & {
  readonly host: Pick<
    HostConfigBody,
    'NetworkMode' | 'Links' | 'PortBindings' | 'PublishAllPorts' | 'Dns' | 'DnsOptions' | 'DnsSearch'
  >;
} {
  const [first = { name: 'default', endpoint: {} }, ...others] = flags.network;
  if (flags.network.some(({ name }) => name === '')) throw errors.invalid('no name set for network');
  checkTogether(flags, [first, ...others]);
  const published = flags.publish.flat();
  const bindings: Record<string, { HostIp?: string; HostPort?: string }[]> = {};
  for (const { port, binding } of published) (bindings[port] ??= []).push(binding);
  const exposed = [...new Set([...Object.keys(bindings), ...flags.expose.flat()])];
  const endpoints = [{ name: first.name, endpoint: withFlags(flags, first) }, ...others];
  const isSaid = others.length > 0 || Object.keys(endpoints[0]!.endpoint).length > 0;
  const EndpointsConfig = Object.fromEntries(endpoints.map(({ name, endpoint }) => [name, endpoint]));
  return {
    ...(exposed.length > 0 ? { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) } : {}),
    ...(isSaid ? { NetworkingConfig: { EndpointsConfig } } : {}),
    host: {
      NetworkMode: first.name,
      ...(flags.link.length > 0 ? { Links: flags.link } : {}),
      ...(published.length > 0 ? { PortBindings: bindings } : {}),
      ...(flags['publish-all'] ? { PublishAllPorts: true } : {}),
      ...(flags.dns.length > 0 ? { Dns: flags.dns } : {}),
      ...(flags['dns-option'].length > 0 ? { DnsOptions: flags['dns-option'] } : {}),
      ...(flags['dns-search'].length > 0 ? { DnsSearch: flags['dns-search'] } : {}),
    },
  };
}

/** compat: each network once, names and links only where there is a name service. Throws `cli.invalid`. */
function checkTogether(flags: ContainerFlags, networks: readonly NetworkFlag[]): void {
  const names = networks.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw errors.invalid(`network "${twice}" is specified multiple times`);
  const byUser = names.filter(isOfUser).length;
  if (byUser > 0 && byUser < names.length) {
    throw errors.invalid('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
  }
  if (byUser > 0) return;
  if (flags['network-alias'].length > 0 || networks.some(({ endpoint }) => (endpoint.Aliases ?? []).length > 0)) {
    throw errors.invalid('network-scoped aliases are only supported for user-defined networks');
  }
}

/** compat: the words of an address that is none, before the daemon is asked. */
function checkedMac(text: string | null | undefined): void {
  const pair = '[0-9a-fA-F]{2}';
  const forms = [':', '-'].map((mark) => `${pair}(?:${mark}${pair}){5}(?:(?:${mark}${pair}){2})?`);
  const words = '[0-9a-fA-F]{4}(?:\\.[0-9a-fA-F]{4}){2,3}';
  if (text && !new RegExp(`^(?:${[...forms, words].join('|')})$`).test(text)) {
    throw errors.invalid(`${text} is not a valid mac address`);
  }
}

/** compat: flags beside `--network` are of the first network, and may not be said twice. */
function withFlags(flags: ContainerFlags, { name, endpoint }: NetworkFlag): EndpointSettingsBody {
  const twice = (what: string, flag: string, isGiven: boolean, inNetwork: boolean): void => {
    if (isGiven && inNetwork) {
      throw errors.invalid(`conflicting options: cannot specify both --${flag} and per-network ${what}`);
    }
  };
  const { ip, ip6 } = flags;
  const aliases = flags['network-alias'];
  const mac = flags['mac-address'];
  twice('alias', 'network-alias', aliases.length > 0, (endpoint.Aliases ?? []).length > 0);
  twice('IPv4 address', 'ip', ip !== '', Boolean(endpoint.IPAMConfig?.IPv4Address));
  twice('IPv6 address', 'ip6', ip6 !== '', Boolean(endpoint.IPAMConfig?.IPv6Address));
  twice('MAC address', 'mac-address', mac !== '', Boolean(endpoint.MacAddress));
  checkedMac(mac || endpoint.MacAddress);
  const local = flags['link-local-ip'];
  const addresses = {
    ...endpoint.IPAMConfig,
    ...(ip === '' ? {} : { IPv4Address: ip }),
    ...(ip6 === '' ? {} : { IPv6Address: ip6 }),
    ...(local.length === 0 ? {} : { LinkLocalIPs: local }),
  };
  return {
    ...endpoint,
    ...(aliases.length > 0 ? { Aliases: aliases } : {}),
    ...(Object.keys(addresses).length > 0 ? { IPAMConfig: addresses } : {}),
    ...(mac === '' ? {} : { MacAddress: mac }),
    ...(flags.link.length > 0 && isOfUser(name) ? { Links: flags.link } : {}),
  };
}

/** compat: a network with a name service, where links are names of the endpoint's. */
const isOfUser = (name: string): boolean =>
  !['', 'default', 'bridge', 'host', 'none'].includes(name) && !name.startsWith('container:');
