/** A network's record → Docker's JSON. */
import { type Endpoint, type NetworkRecord } from '#network';
import type { NetworkJson } from '#specs';

const MOST = BigInt(Number.MAX_SAFE_INTEGER);

const addressOf = (address: Endpoint['ipv4']): string => (address ? `${address.address}/${address.prefixLength}` : '');

/** `endpoints`: container id → its endpoint; compat: lists show none. */
export function networkJson(
  record: NetworkRecord,
  endpoints: ReadonlyMap<string, Endpoint>,
  nameOf: (containerId: string) => string,
  minorVersion: number,
): NetworkJson {
  return {
    Name: record.name,
    Id: record.id,
    Created: record.createdAt,
    Scope: 'local',
    Driver: record.driver,
    // compat: since 1.48.
    ...(minorVersion < 48 ? {} : { EnableIPv4: record.ipv4 ?? true }),
    EnableIPv6: record.ipv6,
    IPAM: {
      Driver: 'default',
      Options: record.predefined ? null : record.ipamOptions,
      Config: record.predefined && record.pools.length === 0 ? [] : record.pools.map(poolJson),
    },
    Internal: record.internal,
    Attachable: record.attachable,
    Ingress: false,
    ConfigFrom: { Network: record.configFrom ?? '' },
    ConfigOnly: record.configOnly ?? false,
    Containers: Object.fromEntries(
      [...endpoints].map(([id, endpoint]) => [
        id,
        {
          Name: nameOf(id),
          EndpointID: endpoint.endpointId,
          MacAddress: endpoint.mac,
          IPv4Address: addressOf(endpoint.ipv4),
          IPv6Address: addressOf(endpoint.ipv6),
        },
      ]),
    ),
    Options: record.options,
    Labels: record.labels,
  };
}

function poolJson({ subnet, range, gateway, auxiliary }: NetworkRecord['pools'][number]): Record<string, unknown> {
  return {
    Subnet: subnet,
    ...(range === undefined ? {} : { IPRange: range }),
    ...(gateway === undefined ? {} : { Gateway: gateway }),
    ...(Object.keys(auxiliary).length === 0 ? {} : { AuxiliaryAddresses: auxiliary }),
  };
}

/** compat: counts saturate at 64 bits in Docker's answers; here at what JSON carries exactly. */
export function statusJson(
  usage: ReadonlyMap<string, { readonly inUse: bigint; readonly available: bigint }>,
): Record<string, unknown> {
  const count = (number: bigint): number => Number(number > MOST ? MOST : number);
  return {
    IPAM: {
      Subnets: Object.fromEntries(
        [...usage].map(([subnet, { inUse, available }]) => [
          subnet,
          { IPsInUse: count(inUse), DynamicIPsAvailable: count(available) },
        ]),
      ),
    },
  };
}
