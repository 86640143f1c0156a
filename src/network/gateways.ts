/** Which of a container's networks has its way out. Pure. */
import type { Endpoint } from './network-record.ts';

const hasWayOut = ({ ipv4, ipv6 }: Endpoint): boolean => ipv4?.gateway !== undefined || ipv6?.gateway !== undefined;

/** compat: the highest priority, then the first by name. */
const inOrder = (a: Endpoint, b: Endpoint): number =>
  (b.gatewayPriority ?? 0) - (a.gatewayPriority ?? 0) || (a.networkName < b.networkName ? -1 : 1);

/** The endpoint ports are published for; undefined on networks without a way out. */
export function chooseGateway(endpoints: readonly Endpoint[]): Endpoint | undefined {
  return endpoints.filter(hasWayOut).sort(inOrder)[0];
}

export interface DefaultRoute {
  readonly gateway: string;
  readonly interfaceIndex: number;
  readonly family: 4 | 6;
}

/** One for IPv4 and one for IPv6, of the first network that has a gateway of the family: it need not be the same one. */
export function defaultRoutes(endpoints: readonly Endpoint[]): DefaultRoute[] {
  const sorted = [...endpoints].sort(inOrder);
  return ([4, 6] as const).flatMap((family) => {
    const gatewayOf = ({ ipv4, ipv6 }: Endpoint): string | undefined => (family === 4 ? ipv4 : ipv6)?.gateway;
    const endpoint = sorted.find((each) => gatewayOf(each) !== undefined);
    return endpoint ? [{ gateway: gatewayOf(endpoint)!, interfaceIndex: endpoint.interfaceIndex, family }] : [];
  });
}

export function gatewayIn(state: { readonly endpoints: readonly Endpoint[]; readonly gateway?: string }) {
  return state.endpoints.find(({ endpointId }) => endpointId === state.gateway);
}
