/** What is kept of a network: plain, versioned. What containers have of it is in their own records. */
import type { TrafficLimits } from './traffic-limits.ts';

export type NetworkDriver = 'bridge' | 'macvlan' | 'ipvlan' | 'host' | 'null';

export interface NetworkRecord {
  readonly version: 1;
  readonly id: string;
  readonly name: string;
  /** ISO 8601 with nanoseconds. */
  readonly createdAt: string;
  readonly driver: NetworkDriver;
  /** Made by the daemon: `bridge`, `host`, `none`. */
  readonly predefined: boolean;
  /** Nobody is on it: others are made from it. */
  readonly configOnly?: true;
  /** Name of the configuration it was made from. */
  readonly configFrom?: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  /** Undefined: with IPv4 addresses. */
  readonly ipv4?: false;
  readonly ipv6: boolean;
  readonly pools: readonly IpamPool[];
  /** The user named the subnets, so addresses in them can be asked for. */
  readonly chosenSubnets: boolean;
  readonly ipamOptions: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** What the options say, or their defaults. */
  readonly bridge?: BridgeSettings;
  readonly macvlan?: MacvlanSettings;
  readonly ipvlan?: IpvlanSettings;
  /** Begin of the names of interfaces in containers. */
  readonly interfacePrefix: string;
}

export interface IpamPool {
  readonly subnet: string;
  readonly range?: string;
  /** None on a network without a way out. */
  readonly gateway?: string;
  /** Name → address somebody else has. */
  readonly auxiliary: Readonly<Record<string, string>>;
}

export interface BridgeSettings {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  /** Containers on it may talk to each other. */
  readonly interContainer: boolean;
  readonly masquerade: boolean;
  /** Where ports without an address are published. */
  readonly hostBinding: string;
  /** How containers and the rest of the world reach each other, by family; undefined: nat. */
  readonly gatewayModes?: Readonly<Partial<Record<4 | 6, GatewayMode>>>;
  /** The gateway is somebody else's address: the bridge has none of IPv4. */
  readonly inhibitIpv4?: true;
  /** What comes by these interfaces of the host reaches containers by their own addresses. */
  readonly trustedInterfaces?: readonly string[];
}

/**
 * - `nat`: ports are published on the host's addresses, and what is sent has the host's.
 * - `nat-unprotected`: so, and any port is reached by the container's own address.
 * - `routed`: published ports are open on the container's own address, there is no translation.
 * - `isolated`: of internal networks: the bridge has no address.
 */
export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated';

export interface MacvlanSettings {
  readonly parent: string;
  readonly mode: 'private' | 'vepa' | 'bridge' | 'passthru';
  readonly mtu: number;
}

export interface IpvlanSettings {
  readonly parent: string;
  readonly mode: 'l2';
  readonly flag: 'bridge' | 'private' | 'vepa';
  readonly mtu: number;
}

/** A container's place on a network while it runs. */
export interface Endpoint {
  readonly networkId: string;
  readonly networkName: string;
  readonly endpointId: string;
  /** In the container. */
  readonly interfaceName: string;
  readonly interfaceIndex: number;
  /** The other end of the pair; empty for macvlan and ipvlan. */
  readonly hostInterface: string;
  /** Empty for ipvlan: its parent's. */
  readonly mac: string;
  readonly ipv4?: EndpointAddress;
  readonly ipv6?: EndpointAddress;
  /** Of its interface, below /proc/sys/net. */
  readonly sysctls?: readonly { readonly name: string; readonly value: string }[];
  /** Names it answers to on this network. */
  readonly names: readonly string[];
  /** Names only it knows others by, in lower case → theirs. */
  readonly links?: Readonly<Record<string, string>>;
  /** Undefined: 0. */
  readonly gatewayPriority?: number;
  readonly limits?: TrafficLimits;
}

export interface EndpointAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway?: string;
}

export interface PublishedPort {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  readonly hostIp: string;
  /** 0: it is open on the container's own address, and on no port of the host. */
  readonly hostPort: number;
}

export type PortProtocol = 'tcp' | 'udp' | 'sctp';

/** What a running container has of networks. */
export interface NetworkState {
  /** The container's own; one that joined another's has none. */
  readonly endpoints: readonly Endpoint[];
  /** Id of the endpoint that has the default route and the ports; none on networks without a way out. */
  readonly gateway?: string;
  readonly ports: readonly PublishedPort[];
  /** Port of its name service, in its own network; present when one of its networks has names. */
  readonly nameServicePort?: number;
}

/** What a container asks of one network. */
export interface EndpointWish {
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly mac?: string;
  readonly aliases: readonly string[];
  /** `NAME:ALIAS`, or a name alone. */
  readonly links: readonly string[];
  readonly driverOptions: Readonly<Record<string, string>>;
  /** The network with the highest has the default route. */
  readonly gatewayPriority: number;
}

/** A port to publish; port 0: any, or one of a range. */
export interface PortWish {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  /** Empty: the network's host binding. */
  readonly hostIp: string;
  readonly hostPort: number;
  /** The last of a range to choose from. */
  readonly hostPortEnd: number;
}
