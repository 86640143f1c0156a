/** `skiff context use`: from now on commands are for this daemon. */
import { changeCurrentContext, dockerConfigPath } from '#registry/credentials';
import { defineCommand } from '../command.ts';
import { ContextStore, DEFAULT_CONTEXT } from '../contexts/context-store.ts';
import { overridingVariable } from '../contexts/default-context.ts';

export const contextUse = defineCommand({
  usage: 'CONTEXT',
  summary: 'Choose the daemon that commands are for',
  flags: {},
  arguments: [1, 1],
  run: async (context, { args }) => {
    const name = args[0]!;
    if (name !== DEFAULT_CONTEXT) new ContextStore(context.environment).read(name);
    changeCurrentContext(dockerConfigPath(context.environment), name === DEFAULT_CONTEXT ? '' : name);
    context.print(name);
    context.complain(`Current context is now "${name}"`);
    const variable = overridingVariable(context);
    if (variable !== undefined && name !== DEFAULT_CONTEXT) {
      context.complain(
        `Warning: ${variable} environment variable overrides the active context. To use "${name}", either set the ` +
          `global --context flag, or unset ${variable} environment variable.`,
      );
    }
    return 0;
  },
});
