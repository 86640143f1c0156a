/** `skiff volume ls`: the list of volumes. */
import type { VolumeJson } from '#specs';
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';
import { filterList, text, toggle } from '../flag-types.ts';
import { byNaturalOrder } from '../output/natural-order.ts';
import { formatRows } from '../output/rows.ts';

const table = '{{.Driver}}\t{{.Name}}';

const headers = {
  Availability: 'AVAILABILITY',
  Driver: 'DRIVER',
  Group: 'GROUP',
  Label: (name: string) => name.split('.').at(-1)!.replaceAll(/[-_]/g, ' '),
  Labels: 'LABELS',
  Links: 'LINKS',
  Mountpoint: 'MOUNTPOINT',
  Name: 'VOLUME NAME',
  Scope: 'SCOPE',
  Size: 'SIZE',
  Status: 'STATUS',
};

export const volumeLs = defineCommand({
  usage: '[OPTIONS]',
  summary: 'List volumes',
  flags: {
    cluster: toggle({ help: 'Only volumes of a swarm, which there is none of here' }),
    filter: filterList({ short: 'f', help: 'Only those that match, such as dangling=true, name=data, label=a=b' }),
    format: text({ help: "'json', 'table', 'table TEMPLATE' or 'TEMPLATE', such as '{{.Name}}'" }),
    quiet: toggle({ short: 'q', help: 'Only names' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    if (flags.cluster) throw errors.invalid('--cluster is of volumes of a swarm: leave it out');
    const volumes = await context.client().volumes.list(flags.filter);
    const rows = [...volumes].sort((a, b) => byNaturalOrder(a.Name, b.Name)).map(volumeRow);
    const quiet = { on: flags.quiet, field: 'Name' as const };
    context.stdout.write(formatRows(rows, { format: flags.format, quiet, table, headers }));
    return 0;
  },
});

/** compat: what only volumes of a swarm have is N/A, and what only `system df` knows. */
function volumeRow({ Name, Driver, Labels, Mountpoint, Scope }: VolumeJson) {
  return {
    Availability: 'N/A',
    Driver,
    Group: 'N/A',
    Label: (name: string) => Labels?.[name] ?? '',
    Labels: Object.entries(Labels ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
    Links: 'N/A',
    Mountpoint,
    Name,
    Scope,
    Size: 'N/A',
    Status: 'N/A',
  };
}
