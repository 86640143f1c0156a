/** `skiff login`: checks credentials through the daemon and keeps them for later pulls and pushes. */
import { type AuthConfig, CredentialStore, HUB_SERVER_KEY } from '#registry/credentials';
import { type CommandContext, defineCommand } from '../command.ts';
import { CommandFailure, describe, errors, exitCode, isKind } from '../errors.ts';
import { text, toggle } from '../flag-types.ts';
import { prompt, readSecretFromInput } from '../streams/prompt.ts';

interface Entered {
  readonly username: string;
  readonly password: string;
}

export const login = defineCommand({
  usage: '[OPTIONS] [SERVER]',
  summary: 'Log in to a registry; Docker Hub when no server is given',
  flags: {
    password: text({ short: 'p', help: 'Password or personal access token' }),
    'password-stdin': toggle({ help: 'Take the password or token from stdin' }),
    username: text({ short: 'u', help: 'User name' }),
  },
  arguments: [0, 1],
  run: async (context, { flags, args }) => {
    const fromStdin = flags['password-stdin'];
    if (fromStdin && flags.password !== '') {
      throw errors.invalid('conflicting options: cannot specify both --password and --password-stdin');
    }
    if (fromStdin && flags.username === '') {
      throw errors.invalid('the --password-stdin option requires --username to be set');
    }
    if (flags.password !== '') {
      context.complain('WARNING! Using --password via the CLI is insecure. Use --password-stdin.');
    }
    const password = fromStdin ? await readSecretFromInput(context.stdin) : flags.password;
    const store = new CredentialStore(context.environment);
    const server = serverKey(args[0] ?? '');
    const kept = await store.get(server);
    const isGiven = flags.username !== '' || password !== '';
    if (!isGiven && (await loginWithKept(context, kept))) return 0;
    const entered = await ask(context, server, { username: flags.username, password }, kept.username ?? '');
    await loginAndKeep(context, store, server, entered);
    return 0;
  },
});

/** compat: the host, in whatever form it is given; Docker Hub's old address for Docker Hub. */
export function serverKey(given: string): string {
  if (given === '' || given === 'docker.io' || given === HUB_SERVER_KEY) return HUB_SERVER_KEY;
  return given.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

/** Whether what is kept still does. */
async function loginWithKept(context: CommandContext, kept: AuthConfig): Promise<boolean> {
  if (!kept.username || (!kept.password && !kept.identityToken)) return false;
  context.complain(`Authenticating with existing credentials... [Username: ${kept.username}]`);
  context.complain("\n Info -> To login with a different account, run 'docker logout' followed by 'docker login'\n\n");
  try {
    const { status } = await context.client().registries.checkAuth(kept);
    context.print(status);
    return true;
  } catch (error) {
    if (isKind(error, 'unauthorized')) context.complain('Stored credentials invalid or expired');
    else context.complain(`Login did not succeed, error: ${describe(error)}`);
    return false;
  }
}

async function ask(context: CommandContext, server: string, given: Entered, usual: string): Promise<Entered> {
  if (given.username !== '' && given.password !== '') return given;
  const { stdin, stdout: output } = context;
  if (!stdin.isTTY) {
    throw new CommandFailure('Error: Cannot perform an interactive login from a non TTY device', exitCode.failed);
  }
  let { username, password } = given;
  if (username === '') {
    if (server === HUB_SERVER_KEY)
      context.print('Log in with your Docker ID or email address to push and pull images from Docker Hub.');
    const answer = await prompt(usual === '' ? 'Username: ' : `Username (${usual}): `, { stdin, output });
    username = answer.trim() || usual;
    if (username === '') throw new CommandFailure('Error: Username Required', exitCode.failed);
  }
  if (password === '') {
    password = await prompt('Password: ', { stdin, output, hidden: true });
    if (password === '') throw new CommandFailure('Error: Password Required', exitCode.failed);
  }
  return { username, password };
}

async function loginAndKeep(
  context: CommandContext,
  store: CredentialStore,
  server: string,
  { username, password }: Entered,
): Promise<void> {
  const { status, identityToken } = await context
    .client()
    .registries.checkAuth({ username, password, serverAddress: server });
  // The token takes the password's place.
  const auth = identityToken === '' ? { username, password } : { username, identityToken };
  const { isEncrypted } = await saved(() => store.store(server, auth));
  if (!isEncrypted) context.complain(unencrypted(store.path));
  if (status !== '') context.print(status);
}

async function saved<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CommandFailure(`Error saving credentials: ${describe(error)}`, exitCode.failed);
  }
}

/** compat: Docker's words. */
const unencrypted = (path: string): string => `
WARNING! Your credentials are stored unencrypted in '${path}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/
`;
