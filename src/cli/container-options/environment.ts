/** Environment variables and labels from flags and files. */
import { errors, fileError } from '../errors.ts';
import type { UserFiles } from '../user-files.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentSources {
  readonly environment: Environment;
  readonly files: UserFiles;
}

/** compat: variables of files first; `NAME` alone takes the value from here, and stays a name when there is none. */
export function collectEnvironment(
  files: readonly string[],
  entries: readonly string[],
  { environment: here, files: userFiles }: EnvironmentSources,
): string[] {
  const fromFiles = files.flatMap((path) =>
    readEntries(userFiles, path).flatMap((entry) => {
      if (entry.includes('=')) return [entry];
      const value = here[entry];
      return value === undefined ? [] : [`${entry}=${value}`];
    }),
  );
  const given = entries.map((entry) =>
    entry.includes('=') || here[entry] === undefined ? entry : `${entry}=${here[entry]}`,
  );
  return [...fromFiles, ...given];
}

/** compat: in a file a label without a value is left out, as a flag it is empty. */
export function collectLabels(
  files: readonly string[],
  entries: readonly string[],
  userFiles: UserFiles,
): Record<string, string> {
  const fromFiles = files.flatMap((path) => readEntries(userFiles, path)).filter((entry) => entry.includes('='));
  return toMap([...fromFiles, ...entries]);
}

/** `key=value` pairs as an object; a key alone has an empty value, the last of a key wins. */
export function toMap(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

function readEntries(files: UserFiles, path: string): string[] {
  let bytes: Buffer;
  try {
    bytes = files.read(path);
  } catch (error) {
    throw fileError('open', path, error);
  }
  return parseEntries(bytes, path);
}

/** Lines of `NAME=value` or `NAME`; `#` begins a comment line. Throws `cli.invalid` naming file and line. */
export function parseEntries(bytes: Buffer, path: string): string[] {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  return text.split(/\r?\n/).flatMap((line, index) => {
    const where = `invalid env file (${path}), line ${index + 1}`;
    if (line.includes('\uFFFD')) throw errors.invalid(`${where}: it is not UTF-8`);
    const entry = line.trimStart();
    if (entry === '' || entry.startsWith('#')) return [];
    const at = entry.indexOf('=');
    const name = at < 0 ? entry.trim() : entry.slice(0, at);
    if (name === '') throw errors.invalid(`${where}: no variable name on line '${line}'`);
    if (/\s/.test(name)) throw errors.invalid(`${where}: variable '${name}' contains whitespaces`);
    return [at < 0 ? name : entry];
  });
}
