/** `skiff context update`: another description, or another daemon, under the same name. */
import { defineCommand } from '../command.ts';
import { checkContextName, ContextStore, DOCKER } from '../contexts/context-store.ts';
import { defaultEndpoint } from '../contexts/default-context.ts';
import { describeEndpoint, endpointFlag } from '../contexts/docker-endpoint.ts';
import { text } from '../flag-types.ts';

export const contextUpdate = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  summary: 'Change what a context stands for',
  flags: {
    description: text({ help: 'What it is' }),
    docker: endpointFlag('The daemon: host=URL, ca=, cert=, key=, skip-tls-verify=, or from=CONTEXT'),
  },
  arguments: [1, 1],
  run: async (context, { flags, args }) => {
    const name = args[0]!;
    const store = new ContextStore(context.environment);
    checkContextName(name);
    const meta = store.read(name);
    const tls = store.tls(name);
    const Metadata = flags.description === '' ? meta.Metadata : { ...meta.Metadata, Description: flags.description };
    if (flags.docker) {
      const described = describeEndpoint(flags.docker, store, () => defaultEndpoint(context));
      const { [DOCKER]: _, ...others } = tls;
      store.write(
        { ...meta, Metadata, Endpoints: { ...meta.Endpoints, [DOCKER]: described.endpoint } },
        Object.keys(described.tls).length === 0 ? others : { ...others, [DOCKER]: described.tls },
      );
    } else store.write({ ...meta, Metadata }, tls);
    context.print(name);
    context.complain(`Successfully updated context "${name}"`);
    return 0;
  },
});
