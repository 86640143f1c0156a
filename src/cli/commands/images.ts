/** `skiff images`: the list of images. */
import { formatBytes, shortId } from '#base';
import type { ImageSummary } from '#specs';
import { defineCommand } from '../command.ts';
import { text, toggle } from '../flag-types.ts';
import { formatRows } from '../output/rows.ts';
import { ago, goTime } from '../output/times.ts';

const table = '{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}';

const headers = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  ID: 'IMAGE ID',
  Digest: 'DIGEST',
  CreatedAt: 'CREATED AT',
  CreatedSince: 'CREATED',
  Size: 'SIZE',
};

export const images = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  summary: 'List images',
  flags: {
    all: toggle({ short: 'a', help: 'Also images in between, of which this version makes none' }),
    format: text({ help: "'json', 'table', 'table TEMPLATE' or 'TEMPLATE', such as '{{.ID}} {{.Repository}}'" }),
    'no-trunc': toggle({ help: 'Do not shorten ids' }),
    quiet: toggle({ short: 'q', help: 'Only ids' }),
  },
  arguments: [0, 1],
  run: async (context, { flags, args }) => {
    const list = await context.client().images.list({ all: flags.all });
    const rows = [...list]
      .sort((a, b) => b.Created - a.Created)
      .flatMap((image) => rowsOf(image, !flags['no-trunc']))
      .filter(({ Repository, Tag }) => args[0] === undefined || [Repository, `${Repository}:${Tag}`].includes(args[0]));
    const quiet = { on: flags.quiet, field: 'ID' as const };
    context.stdout.write(formatRows(rows, { format: flags.format, quiet, table, headers }));
    return 0;
  },
});

/** One row per tag; an image without any has one too. */
function rowsOf(image: ImageSummary, truncate: boolean) {
  const tags = image.RepoTags ?? [];
  return (tags.length === 0 ? ['<none>:<none>'] : tags).map((name) => {
    const at = name.lastIndexOf(':');
    return {
      Repository: name.slice(0, at),
      Tag: name.slice(at + 1),
      ID: truncate ? shortId(image.Id) : image.Id,
      Digest: '<none>',
      get CreatedAt() {
        return goTime(image.Created);
      },
      get CreatedSince() {
        return ago(image.Created);
      },
      Size: formatBytes(image.Size),
    };
  });
}
