/** `skiff builder du`: what builds keep for the next. */
import { formatBytes } from '#base';
import { defineCommand } from '../command.ts';
import { text } from '../flag-types.ts';
import { formatRows } from '../output/rows.ts';
import { ago } from '../output/times.ts';

const table = '{{.ID}}\t{{.Type}}\t{{.Size}}\t{{.LastUsed}}\t{{.Usage}}\t{{.Shared}}\t{{.Description}}';
const headers = {
  ID: 'ID',
  Type: 'TYPE',
  Size: 'SIZE',
  LastUsed: 'LAST USED',
  Usage: 'USAGE',
  Shared: 'SHARED',
  Description: 'DESCRIPTION',
  CreatedSince: 'CREATED',
  InUse: 'IN USE',
};

export const builderDu = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Show what builds keep for the next',
  flags: { format: text({ help: "'json', 'table', 'table TEMPLATE' or 'TEMPLATE', such as '{{.ID}} {{.Size}}'" }) },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const rows = (await context.client().builds.list()).map((row) => ({
      ID: row.ID.slice(0, 12),
      Type: row.Type,
      Size: formatBytes(row.Size, 4),
      CreatedSince: ago(Date.parse(row.CreatedAt) / 1000),
      LastUsed: row.LastUsedAt === null ? '' : ago(Date.parse(row.LastUsedAt) / 1000),
      Usage: String(row.UsageCount),
      InUse: String(row.InUse),
      Shared: String(row.Shared),
      Description: row.Description,
    }));
    context.stdout.write(formatRows(rows, { format: flags.format, table, headers }));
    return 0;
  },
});
