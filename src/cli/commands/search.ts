/** `skiff search`: images of Docker Hub, or of another registry that can be searched, by words. */
import { authHeaderFor, CredentialStore, parseReference } from '#registry/credentials';
import type { SearchResultJson } from '#specs';
import { defineCommand } from '../command.ts';
import { filterList, integer, text, toggle } from '../flag-types.ts';
import { formatRows } from '../output/rows.ts';
import { ellipsis } from '../output/table.ts';

const table = '{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}';

const headers = {
  Name: 'NAME',
  Description: 'DESCRIPTION',
  StarCount: 'STARS',
  IsOfficial: 'OFFICIAL',
  IsAutomated: 'AUTOMATED',
};

export const search = defineCommand({
  usage: '[OPTIONS] TERM',
  summary: 'Search Docker Hub for images',
  flags: {
    filter: filterList({ short: 'f', help: 'is-official=true|false, stars=NUMBER' }),
    format: text({ help: "'json', 'table TEMPLATE' or 'TEMPLATE', such as '{{.Name}} {{.StarCount}}'" }),
    limit: integer({ help: 'Most results, 1 to 100' }),
    'no-trunc': toggle({ help: 'Do not shorten descriptions' }),
  },
  arguments: [1, 1],
  run: async (context, { flags, args: [term = ''] }) => {
    const auth = await authHeaderFor(new CredentialStore(context.environment), { host: hostOf(term) });
    const found = await context.client().registries.search(term, { limit: flags.limit, filters: flags.filter, auth });
    const rows = found.map((result) => rowOf(result, !flags['no-trunc']));
    context.stdout.write(formatRows(rows, { format: flags.format, table, headers }));
    return 0;
  },
});

/** compat: descriptions in one line of at most 45 characters; what is so is marked, what is not is empty. */
function rowOf({ name, description, star_count, is_official, is_automated }: SearchResultJson, truncate: boolean) {
  const line = description.replaceAll('\n', ' ').replaceAll('\r', ' ');
  const mark = (on: boolean): string => (on ? '[OK]' : '');
  return {
    Name: name,
    Description: truncate ? ellipsis(line, 45) : line,
    StarCount: String(star_count),
    IsOfficial: mark(is_official),
    IsAutomated: mark(is_automated),
  };
}

/** The registry in front of the words; anything that is no name of an image is looked for at Docker Hub. */
function hostOf(term: string): string {
  try {
    return parseReference(term).host;
  } catch {
    return 'docker.io';
  }
}
