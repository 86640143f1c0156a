/** `skiff history`: how an image came to be. */
import { formatBytes, shortId } from '#base';
import type { HistoryItem } from '#specs';
import { defineCommand } from '../command.ts';
import { text, toggle } from '../flag-types.ts';
import { formatRows } from '../output/rows.ts';
import { ago } from '../output/times.ts';

const table = '{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}';
const plainTable = '{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}';

const headers = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
};

export const history = defineCommand({
  usage: '[OPTIONS] IMAGE',
  summary: 'Show how an image came to be, newest first',
  flags: {
    format: text({ help: "'json', 'table', 'table TEMPLATE' or 'TEMPLATE', such as '{{.ID}} {{.Size}}'" }),
    human: toggle({ short: 'H', help: 'Sizes and times as people say them', initial: true }),
    'no-trunc': toggle({ help: 'Do not shorten' }),
    platform: text({ help: 'Of the image for this platform, such as linux/amd64' }),
    quiet: toggle({ short: 'q', help: 'Only ids' }),
  },
  arguments: [1, 1],
  run: async (context, { flags, args: [name = ''] }) => {
    const items = await context.client().images.history(name, { platform: flags.platform || undefined });
    const rows = items.map((item) => rowOf(item, flags.human, !flags['no-trunc']));
    const quiet = { on: flags.quiet, field: 'ID' as const };
    const options = { format: flags.format, quiet, table: flags.human ? table : plainTable, headers };
    context.stdout.write(formatRows(rows, options));
    return 0;
  },
});

function rowOf(item: HistoryItem, human: boolean, truncate: boolean) {
  const createdBy = item.CreatedBy.replaceAll('\t', ' ');
  return {
    ID: item.Id === '<missing>' || !truncate ? item.Id : shortId(item.Id),
    CreatedSince: human ? ago(item.Created) : isoTime(item.Created),
    CreatedAt: isoTime(item.Created),
    CreatedBy: truncate && createdBy.length > 45 ? `${createdBy.slice(0, 44)}…` : createdBy,
    Size: human ? formatBytes(item.Size) : String(item.Size),
    Comment: item.Comment,
  };
}

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000', '');
