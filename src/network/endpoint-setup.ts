/** What has to be sent, and where, to put an endpoint into a container's network namespace. Pure. */
import {
  addAddress,
  addMacvlan,
  addressFamily,
  addRoute,
  addVeth,
  NetlinkBatch,
  netlinkProtocol,
  setBridgePort,
  setLinkUp,
} from '#wire';
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
  readonly isGateway: boolean;
}

/** The name of a pair's outer end has so many random hex digits, and its index too: far from those the kernel gives. */
const RANDOM_DIGITS = 7;
const FIRST_HOST_INDEX = 0x1000_0000;

/** `veth` and the first digits of the endpoint's id. */
export const hostInterfaceOf = (endpointId: string): string => `veth${endpointId.slice(0, RANDOM_DIGITS)}`;

/** The interface, made in the host's network and born in the container's. */
export function outsideBatch({ endpoint, network, upper }: EndpointPlace, pid: number | 'child'): NetlinkBatch {
  const batch = new NetlinkBatch();
  const { interfaceName: name, interfaceIndex: index, mac, hostInterface } = endpoint;
  if (network.macvlan) {
    const { mode, mtu } = network.macvlan;
    addMacvlan(batch, { name, index, parent: upper, mac, mode, mtu, pid });
    return batch;
  }
  const { mtu, interContainer } = network.bridge!;
  const hostIndex = FIRST_HOST_INDEX + Number.parseInt(hostInterface.slice(-RANDOM_DIGITS), 16);
  addVeth(batch, { hostName: hostInterface, hostIndex, bridge: upper, mtu, peer: { name, index, mac, pid } });
  setBridgePort(batch, hostInterface, { isolated: !interContainer });
  return batch;
}

/** Addresses, and the way out. */
export function insideBatch({ endpoint, isGateway }: EndpointPlace): NetlinkBatch {
  const batch = new NetlinkBatch();
  const { interfaceIndex: index, ipv4, ipv6 } = endpoint;
  const both = [ipv4, ipv6].filter((each) => each !== undefined);
  for (const { address, prefixLength } of both) addAddress(batch, { index, address, prefixLength });
  setLinkUp(batch, index);
  if (isGateway) addDefaultRoutes(batch, endpoint);
  return batch;
}

export function addDefaultRoutes(batch: NetlinkBatch, { interfaceIndex: index, ipv4, ipv6 }: Endpoint): void {
  if (ipv4?.gateway !== undefined) addRoute(batch, { gateway: ipv4.gateway, index, family: addressFamily.inet });
  if (ipv6?.gateway !== undefined) addRoute(batch, { gateway: ipv6.gateway, index, family: addressFamily.inet6 });
}

/** compat: an interface without an IPv6 address gets none of its own making either. */
export function switchesOf({ interfaceName, ipv6, sysctls = [] }: Endpoint): NetworkSetup['switches'] {
  const own = sysctls.map(({ name, value }) => ({ name: name.replace('IFNAME', interfaceName), value }));
  return [{ name: `ipv6/conf/${interfaceName}/disable_ipv6`, value: ipv6 ? '0' : '1' }, ...own];
}

/** Everything for a container that is being started. */
export function setupOf(places: readonly EndpointPlace[], filter: readonly Uint8Array[]): NetworkSetup {
  const protocol = netlinkProtocol.route;
  return {
    outside: [
      ...places.map((place): NetlinkRequest => {
        const batch = outsideBatch(place, 'child');
        return { protocol, messages: batch.bytes(), pidOffset: batch.pidOffset! };
      }),
      ...filter.map((messages) => ({ protocol: netlinkProtocol.netfilter, messages })),
    ],
    switches: places.flatMap(({ endpoint }) => switchesOf(endpoint)),
    inside: places.map((place) => ({ protocol, messages: insideBatch(place).bytes() })),
  };
}
