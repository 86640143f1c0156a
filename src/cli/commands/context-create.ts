/** `skiff context create`: a name for a daemon. */
import { type CommandContext, defineCommand } from '../command.ts';
import {
  checkContextName,
  type ContextMeta,
  ContextStore,
  DEFAULT_CONTEXT,
  DOCKER,
} from '../contexts/context-store.ts';
import { currentName, DEFAULT_DESCRIPTION, defaultContext, defaultEndpoint } from '../contexts/default-context.ts';
import { describeEndpoint, endpointFlag } from '../contexts/docker-endpoint.ts';
import { errors } from '../errors.ts';
import { text } from '../flag-types.ts';

export const contextCreate = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  summary: 'Give a daemon a name',
  flags: {
    description: text({ help: 'What it is' }),
    docker: endpointFlag('The daemon: host=URL, ca=, cert=, key=, skip-tls-verify=, or from=CONTEXT'),
    from: text({ help: 'Copy this context' }),
  },
  arguments: [1, 1],
  run: async (context, { flags, args }) => {
    const name = args[0]!;
    const store = new ContextStore(context.environment);
    checkContextName(name);
    if (store.has(name)) throw errors.invalid(`context "${name}" already exists`);
    if (flags.docker && flags.from !== '') throw errors.invalid('cannot use --docker flag when --from is set');
    const { meta, tls } = flags.docker
      ? newContext(context, store, flags.docker)
      : copyOf(context, store, flags.from || currentName(context));
    const description = flags.description || meta.Metadata.Description;
    store.write(
      { ...meta, Name: name, Metadata: { ...meta.Metadata, ...(description ? { Description: description } : {}) } },
      tls,
    );
    context.print(name);
    context.complain(`Successfully created context "${name}"`);
    return 0;
  },
});

type Made = { readonly meta: ContextMeta; readonly tls: ReturnType<ContextStore['tls']> };

function newContext(
  context: CommandContext,
  store: ContextStore,
  wishes: Parameters<typeof describeEndpoint>[0],
): Made {
  const { endpoint, tls } = describeEndpoint(wishes, store, () => defaultEndpoint(context));
  return {
    meta: { Name: '', Metadata: {}, Endpoints: { [DOCKER]: endpoint } },
    tls: Object.keys(tls).length === 0 ? {} : { [DOCKER]: tls },
  };
}

function copyOf(context: CommandContext, store: ContextStore, name: string): Made {
  if (name !== DEFAULT_CONTEXT) return { meta: store.read(name), tls: store.tls(name) };
  return { meta: { ...defaultContext(context), Metadata: { Description: DEFAULT_DESCRIPTION } }, tls: {} };
}
