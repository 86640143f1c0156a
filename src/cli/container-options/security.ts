/** `--security-opt`: profiles are files of the client, and are sent as their content. */
import { messageOf } from '#base';
import { formatJson64, parseJson64 } from '#specs';
import { errors, fileError } from '../errors.ts';
import type { UserFiles } from '../user-files.ts';

export interface SecurityOptions {
  readonly options: readonly string[];
  /** `systempaths=unconfined`: nothing of /proc and /sys is hidden. */
  readonly showSystemPaths: boolean;
}

/** Throws `cli.invalid` for an option that is not `name=value`, and for a profile that cannot be read. */
export function readSecurityOptions(given: readonly string[], files: UserFiles): SecurityOptions {
  const showSystemPaths = given.includes('systempaths=unconfined');
  const options = given
    .filter((option) => option !== 'systempaths=unconfined')
    .map((option) => {
      if (option === 'no-new-privileges') return option;
      const match = /^([^=:]+)[=:]([^]+)$/.exec(option);
      if (!match) throw errors.invalid(`Invalid --security-opt: "${option}"`);
      const [, key, value = ''] = match;
      if (key !== 'seccomp' || value === 'unconfined' || value === 'builtin') return option;
      return `seccomp=${readProfile(files, value)}`;
    });
  return { options, showSystemPaths };
}

function readProfile(files: UserFiles, path: string): string {
  let text: string;
  try {
    text = files.read(path).toString('utf8');
  } catch (error) {
    throw fileError(`opening seccomp profile (${path}) failed: open`, path, error);
  }
  try {
    return formatJson64(parseJson64(text));
  } catch (error) {
    throw errors.invalid(`compacting json for seccomp profile (${path}) failed: ${messageOf(error)}`);
  }
}
