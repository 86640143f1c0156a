/** `run`: create and start; in the foreground until the program ends, then delete. */
import { createContainer } from '../oci/create.ts';
import { deleteContainer } from '../oci/delete.ts';
import { startContainer } from '../oci/start.ts';
import { defineCommand } from './command.ts';
import { createFlags, createRequest } from './create-flags.ts';
import { forwardSignals } from './forward-signals.ts';
import { prefixed } from './launch-errors.ts';

export const command = defineCommand({
  usage: '[flags] <container-id>',
  about: 'create and start a container, wait for its end and remove it',
  flags: {
    ...createFlags,
    detach: { names: ['detach', 'd'], kind: 'switch', about: 'do not wait for the end' },
    keep: { names: ['keep'], kind: 'switch', about: 'keep the container after its end' },
    noSubreaper: { names: ['no-subreaper'], kind: 'switch', about: 'do not adopt what the container leaves behind' },
  },
  args: [1, 1],
  action: async (context, flags, [id = '']) => {
    const foreground = flags.detach ? {} : { foreground: { subreaper: !flags.noSubreaper } };
    return await prefixed('run failed', async () => {
      const { folder, state, run } = await createContainer(context, { ...createRequest(id, flags), ...foreground });
      using _signals = flags.detach ? undefined : forwardSignals(run, state.config.process?.terminal ?? false);
      try {
        await startContainer(context, folder, state);
      } catch (error) {
        await deleteContainer(context, folder, state);
        throw error;
      }
      if (flags.detach) return 0;
      const code = await run.ended;
      if (!flags.keep) await deleteContainer(context, folder, state);
      return code;
    });
  },
});
