/** `skiff system df`: what takes space on the disk. */
import { formatBytes, shortId } from '#base';
import type { DiskUsageAnswer } from '#specs';
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
    const usage = await context.client().images.usage();
    if (flags.verbose) showEach(context, usage);
    else context.stdout.write(formatRows(summary(usage), { format: flags.format, table, headers }));
    return 0;
  },
});

function summary({ LayersSize, Images, Containers, Volumes, BuildCache }: DiskUsageAnswer) {
  const images = Images ?? [];
  const used = images.filter(({ Containers: count }) => count > 0);
  // compat: what the images in use need at least: layers shared with others count once.
  const usedBytes = used.reduce((sum, { Size, SharedSize }) => sum + Size - Math.max(0, SharedSize), 0);
  const containers = Containers ?? [];
  const idle = containers.filter(({ State }) => !['running', 'paused', 'restarting'].includes(State));
  const written = (list: typeof containers): number => list.reduce((sum, { SizeRw = 0 }) => sum + SizeRw, 0);
  const volumes = Volumes ?? [];
  const volumeBytes = (list: typeof volumes): number =>
    list.reduce((sum, { UsageData }) => sum + Math.max(0, UsageData?.Size ?? 0), 0);
  const free = volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) === 0);
  const cache = BuildCache ?? [];
  const cacheBytes = cache.reduce((sum, { Size, Shared }) => (Shared ? sum : sum + Size), 0);
  const cacheFree = cache.reduce((sum, { Size, InUse, Shared }) => (InUse || Shared ? sum : sum + Size), 0);
  return [
    row('Images', images.length, used.length, LayersSize, Math.max(0, LayersSize - usedBytes)),
    row('Containers', containers.length, containers.length - idle.length, written(containers), written(idle)),
    row('Local Volumes', volumes.length, volumes.length - free.length, volumeBytes(volumes), volumeBytes(free)),
    {
      ...row('Build Cache', cache.length, cache.filter(({ InUse }) => InUse).length, cacheBytes, cacheFree),
      Reclaimable: formatBytes(cacheFree, 4),
    },
  ];
}

function row(Type: string, total: number, active: number, size: number, reclaimable: number) {
  const share = size > 0 ? ` (${Math.floor((reclaimable * 100) / size)}%)` : '';
  return {
    Type,
    TotalCount: String(total),
    Active: String(active),
    Size: formatBytes(size, 4),
    Reclaimable: `${formatBytes(reclaimable, 4)}${share}`,
  };
}

function showEach(context: CommandContext, { Images, Containers }: DiskUsageAnswer): void {
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
  const images = (Images ?? []).flatMap((image) =>
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
  const containers = (Containers ?? []).map((container) => ({
    ID: shortId(container.Id),
    Image: container.Image,
    Command: JSON.stringify(container.Command),
    Size: formatBytes(container.SizeRw ?? 0, 4),
    RunningFor: ago(container.Created),
    Status: container.Status,
    Names: container.Names.map((each) => each.replace(/^\//, '')).join(','),
  }));
  section('Containers space usage:', containers, {
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Command: 'COMMAND',
    Size: 'SIZE',
    RunningFor: 'CREATED',
    Status: 'STATUS',
    Names: 'NAMES',
  });
}
