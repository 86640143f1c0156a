/** Networks: bridges and endpoints, address pools, port publishing, name service. */
export type { NetworkSetup } from './endpoint-setup.ts';
export { type Link, parseLink } from './link.ts';
export { HostNetwork } from './host-network.ts';
export type { ContainerIdentity } from './network-index.ts';
export type {
  Endpoint,
  EndpointWish,
  IpamPool,
  NetworkRecord,
  NetworkState,
  PortProtocol,
  PortWish,
  PublishedPort,
} from './network-record.ts';
export type { NetworkRequest, PoolRequest } from './network-request.ts';
export {
  type AttachRequest,
  type Attachment,
  emptyWish,
  type NetworkOptions,
  Networks,
} from './networks.ts';
export type { RunningContainer } from './live-endpoints.ts';
export { type NameServers, resolvConf, upstreamServers } from './resolv-conf.ts';
export { readTrafficLimits, trafficOption, trafficOptionsIn } from './traffic-limits.ts';
export { type HostLine, hostsFile } from './hosts-file.ts';
