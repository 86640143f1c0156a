/** `skiff context inspect`: everything about contexts. */
import { type CommandContext, defineCommand } from '../command.ts';
import { type ContextMeta, ContextStore, DEFAULT_CONTEXT } from '../contexts/context-store.ts';
import { currentName, defaultContext } from '../contexts/default-context.ts';
import { text } from '../flag-types.ts';
import { htmlSafe } from '../output/html-safe.ts';
import { showAll } from '../show-all.ts';

export const contextInspect = defineCommand({
  usage: '[OPTIONS] [CONTEXT...]',
  summary: 'Show all there is to know about contexts',
  flags: { format: text({ short: 'f', help: "'json' or 'TEMPLATE', such as '{{.Endpoints.docker.Host}}'" }) },
  arguments: [0, Infinity],
  run: (context, { flags, args }) =>
    showAll(
      context,
      args.length === 0 ? [currentName(context)] : args,
      flags.format,
      async (name) => JSON.stringify(inspected(context, name)),
      htmlSafe,
    ),
});

function inspected(context: CommandContext, name: string): object {
  // compat: what stands for a folder of the one that has none.
  const nowhere = '<IN MEMORY>';
  if (name === DEFAULT_CONTEXT) {
    return shape(defaultContext(context), {}, { MetadataPath: nowhere, TLSPath: nowhere });
  }
  const store = new ContextStore(context.environment);
  const meta = store.read(name);
  const material = Object.entries(store.tls(name)).map(([endpoint, files]) => [endpoint, Object.keys(files)] as const);
  return shape(meta, Object.fromEntries(material), {
    MetadataPath: store.metaFolder(name),
    TLSPath: store.tlsFolder(name),
  });
}

function shape({ Name, Metadata, Endpoints }: ContextMeta, TLSMaterial: object, Storage: object): object {
  return { Name, Metadata, Endpoints, TLSMaterial, Storage };
}
