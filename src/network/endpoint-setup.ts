/** What has to be sent, and where, to put an endpoint into a container's network namespace. Pure. */
import {
  addAddress,
  addIpvlan,
  addMacvlan,
  addressFamily,
  addVeth,
  limitRate,
  NetlinkBatch,
  netlinkProtocol,
  replaceRoute,
  setBridgePort,
  setLinkUp,
} from '#wire';
import { type DefaultRoute, defaultRoutes } from './gateways.ts';
import type { Endpoint, NetworkRecord } from './network-record.ts';

export interface NetlinkRequest {
  readonly protocol: number;
  readonly messages: Uint8Array;
  /** Where the pid of the container's process is to be put. */
  readonly pidOffset?: number;
}

/** For the runtime, which performs it between the clone and the program. */
export interface NetworkSetup {
  /** In the daemon's network, once there is a process. */
  readonly outside: readonly NetlinkRequest[];
  /** Files below /proc/sys/net of the container's network; one that is not there is left out. */
  readonly switches: readonly { readonly name: string; readonly value: string }[];
  /** In the container's network, by its process. */
  readonly inside: readonly NetlinkRequest[];
}

export interface EndpointPlace {
  readonly endpoint: Endpoint;
  readonly network: NetworkRecord;
  /** Index of the bridge, or of what a macvlan sits on. */
  readonly upper: number;
}

/** The name of a pair's outer end has so many random hex digits, and its index too: far from those the kernel gives. */
const RANDOM_DIGITS = 7;
const FIRST_HOST_INDEX = 0x1000_0000;

/** `veth` and the first digits of the endpoint's id. */
export const hostInterfaceOf = (endpointId: string): string => `veth${endpointId.slice(0, RANDOM_DIGITS)}`;

export const hostIndexOf = (hostInterface: string): number =>
  FIRST_HOST_INDEX + Number.parseInt(hostInterface.slice(-RANDOM_DIGITS), 16);

/** The interface, made in the host's network and born in the container's. */
export function outsideBatch({ endpoint, network, upper }: EndpointPlace, pid: number | 'child'): NetlinkBatch {
  const batch = new NetlinkBatch();
  const { interfaceName: name, interfaceIndex: index, mac, hostInterface, limits } = endpoint;
  if (network.macvlan) {
    const { mode, mtu } = network.macvlan;
    addMacvlan(batch, { name, index, parent: upper, mac, mode, mtu, pid });
    return batch;
  }
  if (network.ipvlan) {
    const { mode, flag, mtu } = network.ipvlan;
    addIpvlan(batch, { name, index, parent: upper, mode, flag, mtu, pid });
    return batch;
  }
  const { mtu, interContainer } = network.bridge!;
  const hostIndex = hostIndexOf(hostInterface);
  addVeth(batch, { hostName: hostInterface, hostIndex, bridge: upper, mtu, peer: { name, index, mac, pid } });
  setBridgePort(batch, hostInterface, { isolated: !interContainer });
  // What this end sends the container receives.
  if (limits?.in) limitRate(batch, hostIndex, limits.in);
  return batch;
}

/** Addresses of an interface, which is up then. */
export function addInterface(batch: NetlinkBatch, { interfaceIndex: index, ipv4, ipv6, limits }: Endpoint): void {
  for (const each of [ipv4, ipv6]) {
    if (each) addAddress(batch, { index, address: each.address, prefixLength: each.prefixLength });
  }
  if (limits?.out) limitRate(batch, index, limits.out);
  setLinkUp(batch, index);
}

/** In the place of those there are. */
export function addDefaultRoutes(batch: NetlinkBatch, routes: readonly DefaultRoute[]): void {
  for (const { gateway, interfaceIndex: index, family } of routes) {
    replaceRoute(batch, { gateway, index, family: family === 4 ? addressFamily.inet : addressFamily.inet6 });
  }
}

/** compat: an interface without an IPv6 address gets none of its own making either. */
export function switchesOf({ interfaceName, ipv6, sysctls = [] }: Endpoint): NetworkSetup['switches'] {
  const own = sysctls.map(({ name, value }) => ({ name: name.replace('IFNAME', interfaceName), value }));
  return [{ name: `ipv6/conf/${interfaceName}/disable_ipv6`, value: ipv6 ? '0' : '1' }, ...own];
}

/** Everything for a container that is being started. */
export function setupOf(places: readonly EndpointPlace[], filter: readonly Uint8Array[]): NetworkSetup {
  const protocol = netlinkProtocol.route;
  const endpoints = places.map(({ endpoint }) => endpoint);
  const inside = new NetlinkBatch();
  for (const endpoint of endpoints) addInterface(inside, endpoint);
  addDefaultRoutes(inside, defaultRoutes(endpoints));
  return {
    outside: [
      ...places.map((place): NetlinkRequest => {
        const batch = outsideBatch(place, 'child');
        return { protocol, messages: batch.bytes(), pidOffset: batch.pidOffset! };
      }),
      ...filter.map((messages) => ({ protocol: netlinkProtocol.netfilter, messages })),
    ],
    switches: endpoints.flatMap(switchesOf),
    inside: endpoints.length === 0 ? [] : [{ protocol, messages: inside.bytes() }],
  };
}
