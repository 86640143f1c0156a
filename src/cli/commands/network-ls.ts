/** `skiff network ls`: the list of networks. */
import { shortId } from '#base';
import type { NetworkJson } from '#specs';
import { defineCommand } from '../command.ts';
import { filterList, text, toggle } from '../flag-types.ts';
import { formatRows } from '../output/rows.ts';
import { goTime } from '../output/times.ts';

const table = '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}';

const headers = {
  ID: 'NETWORK ID',
  Name: 'NAME',
  Driver: 'DRIVER',
  Scope: 'SCOPE',
  IPv4: 'IPV4',
  IPv6: 'IPV6',
  Internal: 'INTERNAL',
  Labels: 'LABELS',
  Label: (name: string) => name.split('.').at(-1)!.replaceAll(/[-_]/g, ' '),
  CreatedAt: 'CREATED AT',
};

export const networkLs = defineCommand({
  usage: '[OPTIONS]',
  summary: 'List networks',
  flags: {
    filter: filterList({ short: 'f', help: 'Only those that match, such as driver=bridge, name=web, label=a=b' }),
    format: text({ help: "'json', 'table', 'table TEMPLATE' or 'TEMPLATE', such as '{{.ID}} {{.Name}}'" }),
    'no-trunc': toggle({ help: 'Do not shorten ids' }),
    quiet: toggle({ short: 'q', help: 'Only ids' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const networks = await context.client().networks.list(flags.filter);
    const rows = networks
      .sort((a, b) => (a.Name < b.Name ? -1 : 1))
      .map((network) => rowOf(network, !flags['no-trunc']));
    const quiet = { on: flags.quiet, field: 'ID' as const };
    context.stdout.write(formatRows(rows, { format: flags.format, quiet, table, headers }));
    return 0;
  },
});

function rowOf(network: NetworkJson, truncate: boolean) {
  return {
    ID: truncate ? shortId(network.Id) : network.Id,
    Name: network.Name,
    Driver: network.Driver,
    Scope: network.Scope,
    IPv4: String(network.EnableIPv4),
    IPv6: String(network.EnableIPv6),
    Internal: String(network.Internal),
    Labels: Object.entries(network.Labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
    Label: (name: string) => network.Labels[name] ?? '',
    CreatedAt: goTime(Date.parse(network.Created) / 1000),
  };
}
