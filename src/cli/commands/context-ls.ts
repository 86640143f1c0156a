/** `skiff context ls`: daemons by name. */
import { describe } from '../errors.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { type ContextMeta, ContextStore, DEFAULT_CONTEXT, DOCKER } from '../contexts/context-store.ts';
import { currentName, DEFAULT_DESCRIPTION, defaultContext, overridingVariable } from '../contexts/default-context.ts';
import { text, toggle } from '../flag-types.ts';
import { byNaturalOrder } from '../output/natural-order.ts';
import { formatRows } from '../output/rows.ts';
import { ellipsis } from '../output/table.ts';

const MOST_OF_AN_ERROR = 45;

export const contextLs = defineCommand({
  usage: '[OPTIONS]',
  summary: 'List contexts',
  flags: {
    format: text({ help: "'table', 'table TEMPLATE', 'json' or 'TEMPLATE', such as '{{.Name}}'" }),
    quiet: toggle({ short: 'q', help: 'Only names' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const table = '{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}';
    // compat: there is no title for what is shown as a star.
    const headers = {
      Name: 'NAME',
      Description: 'DESCRIPTION',
      DockerEndpoint: 'DOCKER ENDPOINT',
      Current: '',
      Error: 'ERROR',
    };
    const quiet = { on: flags.quiet, field: 'Name' as const };
    context.stdout.write(formatRows(rowsOf(context), { format: flags.format, quiet, table, headers }));
    const variable = overridingVariable(context);
    if (variable !== undefined) {
      context.complain(
        `Warning: ${variable} environment variable overrides the active context. To use a context, either set the ` +
          `global --context flag, or unset ${variable} environment variable.`,
      );
    }
    return 0;
  },
});

function rowsOf(context: CommandContext) {
  const store = new ContextStore(context.environment);
  const current = currentName(context);
  const row = ({ Name, Metadata, Endpoints }: ContextMeta, failure = '') => ({
    Name,
    Description: Metadata.Description ?? '',
    DockerEndpoint: Endpoints[DOCKER]?.Host ?? '',
    Current: Name === current,
    Error: ellipsis(failure, MOST_OF_AN_ERROR),
  });
  const rows = store.list().map((meta) => row(meta));
  rows.push(row({ ...defaultContext(context), Metadata: { Description: DEFAULT_DESCRIPTION } }));
  if (current !== DEFAULT_CONTEXT && !store.has(current)) {
    rows.push(
      row(
        { Name: current, Metadata: {}, Endpoints: {} },
        reasonOf(() => store.read(current)),
      ),
    );
  }
  return rows.sort((a, b) => byNaturalOrder(a.Name, b.Name));
}

function reasonOf(read: () => unknown): string {
  try {
    read();
    return '';
  } catch (error) {
    return describe(error);
  }
}
