/** `skiff context rm`: forgets names of daemons. */
import { changeCurrentContext, dockerConfigPath } from '#registry/credentials';
import { type CommandContext, defineCommand } from '../command.ts';
import { ContextStore, DEFAULT_CONTEXT } from '../contexts/context-store.ts';
import { currentName } from '../contexts/default-context.ts';
import { errors } from '../errors.ts';
import { toggle } from '../flag-types.ts';
import { forEachOf } from '../for-each.ts';

export const contextRm = defineCommand({
  usage: '[OPTIONS] CONTEXT [CONTEXT...]',
  summary: 'Remove contexts',
  flags: { force: toggle({ short: 'f', help: 'Also the one in use; one that is not there is no error' }) },
  arguments: [1, Infinity],
  run: (context, { flags, args }) => forEachOf(context, args, async (name) => remove(context, name, flags.force)),
});

function remove(context: CommandContext, name: string, force: boolean): void {
  const store = new ContextStore(context.environment);
  if (name === DEFAULT_CONTEXT) throw errors.invalid('context "default" cannot be removed');
  if (!force && !store.has(name)) throw errors.invalid(`context "${name}" does not exist`);
  if (name === currentName(context)) {
    if (!force) throw errors.invalid(`context "${name}" is in use, set -f flag to force remove`);
    changeCurrentContext(dockerConfigPath(context.environment), '');
  }
  store.remove(name);
}
