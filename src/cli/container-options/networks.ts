/** `--network` in its forms. */
import type { EndpointSettingsBody } from '#specs';
import { parseInteger } from '../flag-types.ts';

export interface NetworkFlag {
  readonly name: string;
  readonly endpoint: EndpointSettingsBody;
}

/** `web`, or `name=web,alias=a,ip=172.20.0.9,ip6=…,mac-address=…,gw-priority=1`. */
export function parseNetwork(text: string): NetworkFlag {
  if (!text.includes('=')) return { name: text, endpoint: {} };
  let name = '';
  const aliases: string[] = [];
  const options: Record<string, string> = {};
  const addresses: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] } = {};
  const rest: { MacAddress?: string; GwPriority?: number } = {};
  for (const field of text.split(',')) {
    const at = field.indexOf('=');
    const key = field.slice(0, Math.max(at, 0)).trim().toLowerCase();
    const value = field.slice(at + 1).trim();
    if (at < 0) throw new Error(`invalid field ${field}`);
    if (key === 'name') name = value;
    else if (key === 'alias') aliases.push(value);
    else if (key === 'ip') addresses.IPv4Address = value;
    else if (key === 'ip6') addresses.IPv6Address = value;
    else if (key === 'mac-address') rest.MacAddress = value;
    else if (key === 'gw-priority') rest.GwPriority = parseInteger(value);
    else if (key === 'driver-opt') {
      const equals = value.indexOf('=');
      if (equals < 1) throw new Error(`invalid key value pair format in driver options: ${value}`);
      options[value.slice(0, equals)] = value.slice(equals + 1);
    } else if (key === 'link-local-ip') {
      addresses.LinkLocalIPs = [...(addresses.LinkLocalIPs ?? []), value];
    } else throw new Error(`invalid field key ${key}`);
  }
  if (name === '') throw new Error('network name/id is not specified');
  return {
    name,
    endpoint: endpointOf(aliases, addresses, {
      ...rest,
      ...(Object.keys(options).length > 0 ? { DriverOpts: options } : {}),
    }),
  };
}

function endpointOf(
  aliases: readonly string[],
  addresses: NonNullable<EndpointSettingsBody['IPAMConfig']>,
  rest: Pick<EndpointSettingsBody, 'MacAddress' | 'GwPriority' | 'DriverOpts'>,
): EndpointSettingsBody {
  return {
    ...(aliases.length > 0 ? { Aliases: aliases } : {}),
    ...(Object.keys(addresses).length > 0 ? { IPAMConfig: addresses } : {}),
    ...rest,
  };
}
