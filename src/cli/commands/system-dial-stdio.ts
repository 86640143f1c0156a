/** `skiff system dial-stdio`: joins stdin and stdout with the daemon's connection, for a client behind ssh. */
import { once } from 'node:events';
import { messageOf } from '#base';
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';

export const systemDialStdio = defineCommand({
  usage: '',
  summary: 'Join stdin and stdout with the connection to the daemon',
  flags: {},
  arguments: [0, 0],
  run: async (context) => {
    const connection = await context
      .client()
      .dial()
      .catch((error: unknown) => {
        throw errors.invalid(`failed to open the raw stream connection: ${messageOf(error)}`);
      });
    // What is left of either direction breaks with the connection.
    connection.on('error', () => {});
    context.stdin.pipe(connection);
    connection.pipe(context.stdout, { end: false });
    await once(connection, 'end').catch(() => {});
    connection.destroy();
    return 0;
  },
});
