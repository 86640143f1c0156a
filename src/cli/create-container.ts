/** Makes a container from the command line of `run` or `create`. */
import { existsSync, writeFileSync } from 'node:fs';
import { isRefusal } from '#client';
import type { ContainerCreateBody } from '#specs';
import type { CommandContext, Invocation } from './command.ts';
import { toCreateBody } from './container-options/create-body.ts';
import type { containerFlags } from './container-options/flags.ts';
import { errors, fileError, isKind } from './errors.ts';
import { sizeOf } from './streams/terminal-size.ts';

export interface Created {
  readonly id: string;
  readonly body: ContainerCreateBody;
}

/** Throws `cli.invalid`, `cli.notThere` for a pull, and what the daemon refuses. */
export async function createContainer(
  context: CommandContext,
  { flags, given, args }: Invocation<typeof containerFlags>,
  detach: boolean,
): Promise<Created> {
  const [image = '', ...command] = args;
  checkPull(flags.pull);
  if (flags.cidfile !== '' && existsSync(flags.cidfile)) {
    throw errors.invalid(
      `container ID file found, make sure the other container isn't running or delete ${flags.cidfile}`,
    );
  }
  const body = toCreateBody({
    flags,
    given,
    image,
    command,
    detach,
    environment: context.environment,
    workingDirectory: context.workingDirectory,
    consoleSize: flags.tty ? sizeOf(context.stdout) : undefined,
  });
  const { id, warnings } = await context
    .client()
    .containers.create(body, flags.name || undefined)
    .catch((error: unknown) => {
      throw isRefusal(error) && isKind(error, 'not-found') && /image/i.test(error.message) ? noImage(image) : error;
    });
  for (const warning of warnings) context.complain(`WARNING: ${warning}`);
  if (flags.cidfile !== '') writeIdFile(flags.cidfile, id);
  return { id, body };
}

function checkPull(pull: string): void {
  if (pull === 'missing' || pull === 'never') return;
  if (pull === 'always') throw errors.notThere('pulling an image (--pull always)', 'bring it in with skiff import');
  throw errors.invalid(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`);
}

function noImage(image: string) {
  const named = /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
  return errors.notThere(`Unable to find image '${named}' locally, and pulling one`, 'bring it in with skiff import');
}

function writeIdFile(path: string, id: string): void {
  try {
    writeFileSync(path, id, { flag: 'wx' });
  } catch (error) {
    throw fileError('failed to write the container ID file: open', path, error);
  }
}
