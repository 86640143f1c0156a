/** The words in front of "the program could not run", by which callers of runc know it. */
import { SkiffError } from '#base';

const PROGRAM_ERRORS = new Set([
  'runtime.commandNotFound',
  'runtime.commandNotExecutable',
  'runtime.workingDirectory',
  'runtime.launchFailed',
]);

/** compat: Docker, Podman and containerd show these lines to people and search them for `exec: "…": …`. */
export async function prefixed<Result>(what: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof SkiffError) || !PROGRAM_ERRORS.has(error.code)) throw error;
    const message = error.message.replace(/^cannot start the container: /, '');
    throw new SkiffError(error.kind, error.code, `${what}: unable to start container process: ${message}`, {
      cause: error.cause,
      details: error.details,
    });
  }
}
