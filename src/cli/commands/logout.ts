/** `skiff logout`: forgets the credentials for a registry. */
import { CredentialStore } from '#registry/credentials';
import { defineCommand } from '../command.ts';
import { serverKey } from './login.ts';

export const logout = defineCommand({
  usage: '[SERVER]',
  summary: 'Log out from a registry; Docker Hub when no server is given',
  flags: {},
  arguments: [0, 1],
  run: async (context, { args }) => {
    const server = serverKey(args[0] ?? '');
    context.print(`Removing login credentials for ${server}`);
    await new CredentialStore(context.environment).erase(server);
    return 0;
  },
});
