/** `skiff system df`: what takes space on the disk. */
import { formatBytes, shortId } from '#base';
import type { DiskUsageAnswer, TypeUsage } from '#specs';
import { type CommandContext, defineCommand } from '../command.ts';
import { errors } from '../errors.ts';
import { text, toggle } from '../flag-types.ts';
import { formatRows } from '../output/rows.ts';
import { ago } from '../output/times.ts';

const table = '{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}';
const headers = { Type: 'TYPE', TotalCount: 'TOTAL', Active: 'ACTIVE', Size: 'SIZE', Reclaimable: 'RECLAIMABLE' };

export const systemDf = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Show what takes space on the disk',
  flags: {
    format: text({ help: "'json', 'table', 'table TEMPLATE' or 'TEMPLATE', such as '{{.Type}} {{.Size}}'" }),
    verbose: toggle({ short: 'v', help: 'Each image and container' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    if (flags.verbose && flags.format !== '') throw errors.invalid('the verbose and the format options conflict');
    const usage = await context.client().images.usage({ verbose: flags.verbose });
    if (flags.verbose) showEach(context, usage);
    else context.stdout.write(formatRows(summary(usage), { format: flags.format, table, headers }));
    return 0;
  },
});

function summary({ ImageUsage, ContainerUsage, VolumeUsage, BuildCacheUsage }: DiskUsageAnswer) {
  const cache = row('Build Cache', BuildCacheUsage);
  return [
    row('Images', ImageUsage),
    row('Containers', ContainerUsage),
    row('Local Volumes', VolumeUsage),
    // compat: without a share, for nothing of a cache is in need of being kept.
    { ...cache, Reclaimable: formatBytes(BuildCacheUsage?.Reclaimable ?? 0, 4) },
  ];
}

const nothing: TypeUsage<object> = { ActiveCount: 0, TotalCount: 0, Reclaimable: 0, TotalSize: 0 };

function row(Type: string, { TotalCount, ActiveCount, TotalSize, Reclaimable }: TypeUsage<object> = nothing) {
  const share = TotalSize > 0 ? ` (${Math.floor((Reclaimable * 100) / TotalSize)}%)` : '';
  return {
    Type,
    TotalCount: String(TotalCount),
    Active: String(ActiveCount),
    Size: formatBytes(TotalSize, 4),
    Reclaimable: `${formatBytes(Reclaimable, 4)}${share}`,
  };
}

function showEach(context: CommandContext, { ImageUsage, ContainerUsage, VolumeUsage }: DiskUsageAnswer): void {
  const section = <Row extends object>(
    title: string,
    rows: readonly Row[],
    fields: Readonly<Record<string, string>>,
  ): void => {
    const template = Object.keys(fields)
      .map((field) => `{{.${field}}}`)
      .join('\t');
    context.print(`${title}\n`);
    context.stdout.write(`${formatRows(rows, { format: '', table: template, headers: fields })}\n`);
  };
  const images = (ImageUsage?.Items ?? []).flatMap((image) =>
    (image.RepoTags?.length ? image.RepoTags : ['<none>:<none>']).map((name) => ({
      Repository: name.slice(0, name.lastIndexOf(':')),
      Tag: name.slice(name.lastIndexOf(':') + 1),
      ID: shortId(image.Id),
      CreatedSince: ago(image.Created),
      Size: formatBytes(image.Size, 4),
      SharedSize: formatBytes(Math.max(0, image.SharedSize), 4),
      UniqueSize: formatBytes(image.Size - Math.max(0, image.SharedSize), 4),
      Containers: String(image.Containers),
    })),
  );
  section('Images space usage:', images, {
    Repository: 'REPOSITORY',
    Tag: 'TAG',
    ID: 'IMAGE ID',
    CreatedSince: 'CREATED',
    Size: 'SIZE',
    SharedSize: 'SHARED SIZE',
    UniqueSize: 'UNIQUE SIZE',
    Containers: 'CONTAINERS',
  });
  const containers = (ContainerUsage?.Items ?? []).map((container) => ({
    ID: shortId(container.Id),
    Image: container.Image,
    Command: JSON.stringify(container.Command),
    LocalVolumes: String((container.Mounts ?? []).filter(({ Type }) => Type === 'volume').length),
    Size: formatBytes(container.SizeRw ?? 0, 4),
    RunningFor: ago(container.Created),
    Status: container.Status,
    Names: container.Names.map((each) => each.replace(/^\//, '')).join(','),
  }));
  section('Containers space usage:', containers, {
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Command: 'COMMAND',
    LocalVolumes: 'LOCAL VOLUMES',
    Size: 'SIZE',
    RunningFor: 'CREATED',
    Status: 'STATUS',
    Names: 'NAMES',
  });
  const volumes = (VolumeUsage?.Items ?? []).map(({ Name, UsageData }) => ({
    Name,
    Links: String(UsageData?.RefCount ?? 0),
    Size: formatBytes(Math.max(0, UsageData?.Size ?? 0), 4),
  }));
  section('Local Volumes space usage:', volumes, { Name: 'VOLUME NAME', Links: 'LINKS', Size: 'SIZE' });
}
