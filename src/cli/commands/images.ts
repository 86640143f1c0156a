/** `skiff images`: the list of images. */
import { formatBytes, shortId } from '#base';
import type { ImageSummary } from '#specs';
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';
import { filterList, text, toggle } from '../flag-types.ts';
import { formatRows } from '../output/rows.ts';
import { ago, goTime } from '../output/times.ts';

const table = '{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}';
const digestTable = '{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}';

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
    all: toggle({ short: 'a', help: 'Also nameless images that others were made from' }),
    digests: toggle({ help: 'Also the digests registries know them by' }),
    filter: filterList({ short: 'f', help: 'Only those that match, such as dangling=true, label=a=b, reference=my/*' }),
    format: text({ help: "'json', 'table', 'table TEMPLATE' or 'TEMPLATE', such as '{{.ID}} {{.Repository}}'" }),
    'no-trunc': toggle({ help: 'Do not shorten ids' }),
    quiet: toggle({ short: 'q', help: 'Only ids' }),
  },
  arguments: [0, 1],
  run: async (context, { flags, args: [name] }) => {
    if (name !== undefined && flags.filter.has('reference')) {
      throw errors.invalid('a name and --filter reference cannot be used together');
    }
    const filters = name === undefined ? flags.filter : new Map([...flags.filter, ['reference', [name]]]);
    const list = await context.client().images.list({ all: flags.all, filters });
    const rows = [...list]
      .sort((a, b) => b.Created - a.Created)
      .flatMap((image) => rowsOf(image, !flags['no-trunc'], flags.digests));
    const quiet = { on: flags.quiet, field: 'ID' as const };
    const options = { format: flags.format, quiet, table: flags.digests ? digestTable : table, headers };
    context.stdout.write(formatRows(rows, options));
    return 0;
  },
});

/** compat: one row per tag, with digests one per digest of its repository; an image without any name has one too. */
function rowsOf(image: ImageSummary, truncate: boolean, digests: boolean) {
  return namesOf(image, digests).map(({ repository, tag, digest }) => ({
    Repository: repository,
    Tag: tag,
    Digest: digest,
    ID: truncate ? shortId(image.Id) : image.Id,
    get CreatedAt() {
      return goTime(image.Created);
    },
    get CreatedSince() {
      return ago(image.Created);
    },
    Size: formatBytes(image.Size),
    SharedSize: image.SharedSize < 0 ? 'N/A' : formatBytes(image.SharedSize),
    UniqueSize: image.SharedSize < 0 ? 'N/A' : formatBytes(image.Size - image.SharedSize, 4),
    VirtualSize: formatBytes(image.Size, 4),
    Containers: image.Containers < 0 ? 'N/A' : String(image.Containers),
  }));
}

const NONE = '<none>';

function namesOf({ RepoTags, RepoDigests }: ImageSummary, digests: boolean) {
  const tags = (RepoTags ?? []).map((name) => {
    const at = name.lastIndexOf(':');
    return { repository: name.slice(0, at), tag: name.slice(at + 1) };
  });
  const known = (RepoDigests ?? []).map((name) => {
    const at = name.indexOf('@');
    return { repository: name.slice(0, at), digest: name.slice(at + 1) };
  });
  const rows = tags.flatMap(({ repository, tag }) => {
    const own = digests ? known.filter((each) => each.repository === repository) : [];
    return own.length === 0
      ? [{ repository, tag, digest: NONE }]
      : own.map(({ digest }) => ({ repository, tag, digest }));
  });
  const tagged = new Set(tags.map(({ repository }) => repository));
  const others = known.filter(({ repository }) => !tagged.has(repository));
  if (digests) rows.push(...others.map(({ repository, digest }) => ({ repository, tag: NONE, digest })));
  else if (tags.length === 0 && others[0]) rows.push({ repository: others[0].repository, tag: NONE, digest: NONE });
  return rows.length === 0 ? [{ repository: NONE, tag: NONE, digest: NONE }] : rows;
}
