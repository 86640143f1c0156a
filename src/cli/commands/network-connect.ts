/** `skiff network connect`: put a container on one more network, while it runs or before. */
import { defineCommand } from '../command.ts';
import { toMap } from '../container-options/environment.ts';
import { integer, list, text } from '../flag-types.ts';

export const networkConnect = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Connect a container to a network',
  flags: {
    alias: list({ help: 'One more name of it on this network' }),
    'driver-opt': list({ help: 'Option of its endpoint, as name=value' }),
    'gw-priority': integer({ help: 'The network with the highest has the default route' }),
    ip: text({ help: 'IPv4 address, such as 172.30.100.104' }),
    ip6: text({ help: 'IPv6 address' }),
    link: list({ help: 'Name for another container, as container[:alias]' }),
  },
  arguments: [2, 2],
  run: async (context, { flags, args: [network = '', container = ''] }) => {
    const { alias, ip, ip6, link, 'driver-opt': options } = flags;
    const addresses = {
      ...(ip === '' ? {} : { IPv4Address: ip }),
      ...(ip6 === '' ? {} : { IPv6Address: ip6 }),
    };
    await context.client().networks.connect(network, container, {
      ...(Object.keys(addresses).length > 0 ? { IPAMConfig: addresses } : {}),
      ...(alias.length > 0 ? { Aliases: alias } : {}),
      ...(link.length > 0 ? { Links: link } : {}),
      ...(options.length > 0 ? { DriverOpts: toMap(options) } : {}),
      ...(flags['gw-priority'] === undefined ? {} : { GwPriority: flags['gw-priority'] }),
    });
    return 0;
  },
});
