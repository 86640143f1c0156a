/** `skiff ps`: the list of containers. */
import type { ContainerSummary } from '#specs';
import { formatBytes, shortId } from '#base';
import { defineCommand } from '../command.ts';
import { filterList, integer, text, toggle } from '../flag-types.ts';
import { formatRows } from '../output/rows.ts';
import { ellipsis } from '../output/table.ts';
import { ago, goTime } from '../output/times.ts';

const table = '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}';

const headers = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Status: 'STATUS',
  State: 'STATE',
  Ports: 'PORTS',
  Names: 'NAMES',
  Labels: 'LABELS',
  Label: (name: string) => name.split('.').at(-1)!.replaceAll(/[-_]/g, ' '),
  Mounts: 'MOUNTS',
  Networks: 'NETWORKS',
  LocalVolumes: 'LOCAL VOLUMES',
  Size: 'SIZE',
};

export const ps = defineCommand({
  usage: '[OPTIONS]',
  summary: 'List containers',
  flags: {
    all: toggle({ short: 'a', help: 'Also those that do not run' }),
    filter: filterList({ short: 'f', help: 'Only those that match, such as status=exited, name=web, label=a=b' }),
    format: text({ help: "'json', 'table', 'table TEMPLATE' or 'TEMPLATE', such as '{{.ID}} {{.Names}}'" }),
    last: integer({ short: 'n', help: 'The newest so many, whatever their state' }),
    latest: toggle({ short: 'l', help: 'The newest one, whatever its state' }),
    'no-trunc': toggle({ help: 'Do not shorten anything' }),
    quiet: toggle({ short: 'q', help: 'Only ids' }),
    size: toggle({ short: 's', help: 'Show what each takes on the disk' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    // compat: here, unlike in other lists, ids alone are what was meant.
    if (flags.quiet && flags.format !== '') {
      context.complain('WARNING: Ignoring custom format, because both --format and --quiet are set');
    }
    const format = flags.quiet ? '' : flags.format;
    const limit = flags.latest && flags.last === undefined ? 1 : flags.last;
    const containers = await context.client().containers.list({
      all: flags.all,
      limit: limit === undefined || limit < 0 ? undefined : limit,
      filters: flags.filter,
      size: flags.size || /\.Size\b/.test(format),
    });
    const rows = containers.map((container) => rowOf(container, !flags['no-trunc']));
    const quiet = { on: flags.quiet, field: 'ID' as const };
    context.stdout.write(
      formatRows(rows, { format, quiet, table: flags.size ? `${table}\t{{.Size}}` : table, headers }),
    );
    return 0;
  },
});

/** A container as templates see it. What costs time is computed when it is asked for. */
export function rowOf(container: ContainerSummary, truncate: boolean) {
  const labels = container.Labels ?? {};
  const shorten = (text: string, length: number): string => (truncate ? ellipsis(text, length) : text);
  const mounts = container.Mounts ?? [];
  return {
    ID: truncate ? shortId(container.Id) : container.Id,
    Image: imageName(container, truncate),
    Command: JSON.stringify(shorten(container.Command, 20)),
    get CreatedAt() {
      return goTime(container.Created);
    },
    get RunningFor() {
      return ago(container.Created);
    },
    Status: container.Status,
    State: container.State,
    Ports: portsText(container.Ports as readonly PortBinding[]),
    Names: container.Names.map((name) => name.replace(/^\//, ''))
      // compat: names of other containers' links hold a slash and are shown only in full.
      .filter((name) => !truncate || !name.includes('/'))
      .join(','),
    Labels: Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
    Label: (name: string) => labels[name] ?? '',
    Mounts: mounts.map((mount) => shorten(mount.Name ?? mount.Source, 15)).join(','),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(','),
    get Size() {
      return sizeText(container);
    },
    LocalVolumes: String(mounts.filter(({ Type }) => Type === 'volume').length),
  };
}

/** compat: what it has written, and all it sees. */
function sizeText({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  return SizeRootFs > 0 ? `${formatBytes(SizeRw)} (virtual ${formatBytes(SizeRootFs)})` : formatBytes(SizeRw);
}

function imageName({ Image, ImageID }: ContainerSummary, truncate: boolean): string {
  if (Image === '') return '<no image>';
  return truncate && Image === ImageID ? shortId(ImageID) : Image;
}

interface PortBinding {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

function portsText(ports: readonly PortBinding[]): string {
  return ports
    .map(({ IP = '', PrivatePort, PublicPort, Type }) => {
      const inside = `${PrivatePort}/${Type}`;
      const address = IP.includes(':') ? `[${IP}]` : IP;
      return PublicPort ? `${address}:${PublicPort}->${inside}` : inside;
    })
    .join(', ');
}
