/** Networks that are only a configuration, for others to be made from. compat: as Docker divides what belongs to which. */
import { parseCidr } from './cidr.ts';
import { errors } from './errors.ts';
import type { NetworkRecord } from './network-record.ts';
import type { NetworkRequest, PoolRequest } from './network-request.ts';

/** The record of a configuration: what was asked for, and nothing chosen. Throws `network.configFields`. */
export function configRecord(
  request: NetworkRequest,
  { id, createdAt }: { readonly id: string; readonly createdAt: string },
): NetworkRecord {
  if (request.internal || request.attachable) throw errors.configFields();
  if (request.configFrom !== '') throw errors.configOfConfig();
  for (const { subnet, range } of request.pools) for (const text of [subnet, range]) if (text !== '') parseCidr(text);
  return {
    version: 1,
    id,
    name: request.name,
    createdAt,
    // compat: whatever driver was asked for.
    driver: 'null',
    predefined: false,
    configOnly: true,
    internal: false,
    attachable: false,
    ...(request.ipv4 ? {} : { ipv4: false }),
    ipv6: request.ipv6,
    pools: request.pools.map(({ subnet, range, gateway, auxiliary }) => ({
      subnet,
      ...(range === '' ? {} : { range }),
      ...(gateway === '' ? {} : { gateway }),
      auxiliary,
    })),
    chosenSubnets: request.pools.length > 0,
    ipamOptions: request.ipamOptions,
    options: request.options,
    labels: request.labels,
    interfacePrefix: 'eth',
  };
}

/** A request completed by the configuration it names. Throws `network.noConfig`, `network.configTwice`. */
export function withConfig(request: NetworkRequest, records: readonly NetworkRecord[]): NetworkRequest {
  if (request.configFrom === '') return request;
  const config = records.find(({ name, configOnly }) => configOnly && name === request.configFrom);
  if (!config) throw errors.noConfig(request.configFrom);
  const { ipv4, ipv6, labels, ipamOptions, pools, options } = request;
  const own = [labels, ipamOptions, options].some((each) => Object.keys(each).length > 0);
  if (!ipv4 || ipv6 || own || pools.length > 0) throw errors.configTwice();
  return {
    ...request,
    ipv4: config.ipv4 ?? true,
    ipv6: config.ipv6,
    labels: config.labels,
    ipamOptions: config.ipamOptions,
    options: config.options,
    pools: config.pools.map(
      ({ subnet, range = '', gateway = '', auxiliary }): PoolRequest => ({ subnet, range, gateway, auxiliary }),
    ),
  };
}
