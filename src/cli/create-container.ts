/** Makes a container from the command line of `run` or `create`. */
import { isRefusal } from '#client';
import type { ContainerCreateBody } from '#specs';
import type { CommandContext, Invocation } from './command.ts';
import { toCreateBody } from './container-options/create-body.ts';
import type { containerFlags } from './container-options/flags.ts';
import { CommandFailure, describe, errors, exitCode, fileError, isKind } from './errors.ts';
import { pullImage } from './pull-image.ts';
import { sizeOf } from './streams/terminal-size.ts';
import type { UserFiles } from './user-files.ts';

export interface Created {
  readonly id: string;
  readonly body: ContainerCreateBody;
}

/** Pulls an image that is not there, as `--pull` says. Throws `cli.invalid`, and what the daemon refuses. */
export async function createContainer(
  context: CommandContext,
  { flags, given, args }: Invocation<typeof containerFlags>,
  detach: boolean,
): Promise<Created> {
  const [image = '', ...command] = args;
  const body = asUsage(context, () => {
    checkPull(flags.pull);
    return toCreateBody({
      flags,
      given,
      image,
      command,
      detach,
      environment: context.environment,
      files: context.files,
      workingDirectory: context.workingDirectory,
      consoleSize: flags.tty ? sizeOf(context.stdout) : undefined,
    });
  });
  if (flags.cidfile !== '' && context.files.exists(flags.cidfile)) {
    throw errors.invalid(
      `container ID file found, make sure the other container isn't running or delete ${flags.cidfile}`,
    );
  }
  const pull = (): Promise<void> =>
    // compat: on stderr, for stdout is the container's.
    pullImage(context, image, {
      ...{ platform: flags.platform, allTags: false, quiet: flags.quiet, implied: true },
      output: context.stderr,
    });
  if (flags.pull === 'always') await pull();
  const create = (): Promise<{ id: string; warnings: readonly string[] }> =>
    context.client().containers.create(body, flags.name || undefined, { platform: flags.platform || undefined });
  const { id, warnings } = await create().catch(async (error: unknown) => {
    // compat: one for another platform is no better than none.
    const isMissing =
      isRefusal(error) &&
      isKind(error, 'not-found') &&
      /No such image|does not match the specified platform/i.test(error.message);
    if (!isMissing || !['', 'missing'].includes(flags.pull)) throw error;
    context.files.require();
    if (!flags.quiet) context.complain(`Unable to find image '${withTag(image)}' locally`);
    await pull();
    return create();
  });
  for (const warning of warnings) context.complain(`WARNING: ${warning}`);
  if (flags.cidfile !== '') writeIdFile(context.files, flags.cidfile, id);
  return { id, body };
}

/** compat: flags that contradict each other end `create` like flags that are not understood, not like a refusal. */
function asUsage<T>(context: CommandContext, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isKind(error, 'invalid')) throw error;
    const help = `Run '${context.path} --help' for more information`;
    throw new CommandFailure(`skiff: ${describe(error)}\n\n${help}`, exitCode.usage);
  }
}

function checkPull(pull: string): void {
  if (['', 'always', 'missing', 'never'].includes(pull)) return;
  throw errors.invalid(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`);
}

const withTag = (image: string): string => (/[:@][^/]*$/.test(image) ? image : `${image}:latest`);

function writeIdFile(files: UserFiles, path: string, id: string): void {
  try {
    files.create(path, id);
  } catch (error) {
    throw fileError('failed to write the container ID file: open', path, error);
  }
}
