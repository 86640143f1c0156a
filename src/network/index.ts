/** Networks: bridges and endpoints, address pools, port publishing, name service. */
export type { NetworkSetup } from './endpoint-setup.ts';
export { HostNetwork } from './host-network.ts';
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
  type ContainerIdentity,
  emptyWish,
  type NetworkOptions,
  Networks,
} from './networks.ts';
export { errors as networkErrors } from './errors.ts';
