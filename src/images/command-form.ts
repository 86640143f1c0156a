/** The two forms a Dockerfile instruction gives a command in: a JSON array, or a line for a shell. Pure. */

/** JSON form, or shell form. compat: what is not quite JSON is taken as a shell command. */
export function commandOf(rest: string): string[] {
  return jsonStrings(rest) ?? ['/bin/sh', '-c', rest];
}

/** The strings of a JSON array; undefined for what is not quite JSON. Throws for an array of something else. */
export function jsonStrings(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new Error('when using JSON array syntax, arrays must be comprised of strings only');
}
