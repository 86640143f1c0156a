/**
 * The options that were given, read from the command line and from the configuration file, and put together.
 *
 * compat: an option in both places is an error, so that nobody wonders which one counts.
 */
import { messageOf } from '#base';
import { errors } from '../errors.ts';
import { flagComplaint, type Kind } from './kinds.ts';
import { type Option, optionByFlag, optionByKey } from './table.ts';

/** Options by their key, with values of their kind. */
export type GivenOptions = ReadonlyMap<string, { readonly option: Option; readonly value: unknown }>;

export interface CommandLine {
  readonly given: GivenOptions;
  readonly show?: 'help' | 'version';
}

/** Reads a command line in pflag's grammar. Throws `daemon.badFlag` in its words. */
export function readCommandLine(args: readonly string[], program: string): CommandLine {
  const given = new Map<string, { option: Option; value: unknown }>();
  const fail = (what: string): never => {
    throw errors.badFlag(`${what}\nSee '${program} --help'.`);
  };
  const take = (option: Option, value: string): void => {
    const { kind, key, short, flag } = option;
    try {
      given.set(key, { option, value: kind.flag(value, given.get(key)?.value) });
    } catch (error) {
      fail(flagComplaint(short === undefined ? `--${flag}` : `-${short}, --${flag}`, value, error));
    }
  };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const match = /^(?:--([^=]+)|-([A-Za-z]))(?:=?([^]*))?$/.exec(arg);
    if (arg === '--help' || arg === '-h') return { given, show: 'help' };
    if (arg === '--version' || arg === '-v') return { given, show: 'version' };
    if (!match || arg === '--') {
      if (arg.startsWith('-') && arg !== '-' && arg !== '--') fail(`bad flag syntax: ${arg}`);
      if (arg === '--' && rest.length === 0) break;
      fail(`"${program}" accepts no argument(s).`);
      continue;
    }
    const [, long, short, attached = ''] = match;
    const option = long === undefined ? byShort(short!) : optionByFlag.get(long);
    if (!option) {
      fail(long === undefined ? `unknown shorthand flag: '${short}' in ${arg}` : `unknown flag: --${long}`);
      continue;
    }
    const hasValue = long === undefined ? attached !== '' : arg.includes('=');
    if (hasValue) take(option, attached);
    else if (option.kind.placeholder === '') take(option, 'true');
    else {
      const next = rest.shift();
      if (next === undefined) fail(`flag needs an argument: ${long === undefined ? `'${short}' in ${arg}` : arg}`);
      else take(option, next);
    }
  }
  return { given };
}

/** Reads the text of a daemon.json. Throws `daemon.badFile`. */
export function readConfigText(content: string, path: string): GivenOptions {
  const fail = (why: string): never => {
    throw errors.badFile(path, why);
  };
  let parsed: unknown = {};
  try {
    // compat: an empty file says nothing; a byte order mark is skipped.
    const json = content.replace(/^\uFEFF/, '');
    if (json.trim() !== '') parsed = JSON.parse(json);
  } catch (error) {
    fail(`invalid JSON: ${messageOf(error)}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return fail('the file has to hold one JSON object');
  }
  const unknown = Object.keys(parsed).filter((key) => !optionByKey.has(key));
  if (unknown.length > 0) {
    fail(`the following directives don't match any configuration option: ${unknown.sort().join(', ')}`);
  }
  const given = new Map<string, { option: Option; value: unknown }>();
  for (const [key, value] of Object.entries(parsed)) {
    const option = optionByKey.get(key)!;
    try {
      if (value !== null) given.set(key, { option, value: option.kind.json(value, key) });
    } catch (error) {
      fail(messageOf(error));
    }
  }
  return given;
}

/** Both together. Throws `daemon.badFile` for what is in both. */
export function mergeGiven(flags: GivenOptions, file: GivenOptions, path: string): GivenOptions {
  const twice = [...flags.keys()]
    .filter((key) => file.has(key) && flags.get(key)!.option.merges !== true)
    .sort()
    .map((key) => {
      const { kind } = flags.get(key)!.option;
      const show = (from: GivenOptions): string => kind.show(from.get(key)!.value);
      return `${key}: (from flag: ${show(flags)}, from file: ${show(file)})`;
    });
  if (twice.length > 0) {
    throw errors.badFile(
      path,
      `the following directives are specified both as a flag and in the configuration file: ${twice.join(', ')}`,
    );
  }
  const merged = new Map([...file, ...flags]);
  for (const [key, { option, value }] of flags) {
    const below = file.get(key);
    if (below) merged.set(key, { option, value: { ...(below.value as object), ...(value as object) } });
  }
  return merged;
}

/** Lines of warning for what is understood and has no effect. Throws `daemon.notThere` for what cannot be honoured. */
export function judge(given: GivenOptions): string[] {
  const warnings: string[] = [];
  for (const { option, value } of given.values()) {
    const { treatment, harmless, kind, why = '' } = option;
    const shown = kind.show(value);
    if (treatment === 'honoured' || harmless?.includes(shown)) continue;
    if (treatment !== 'noted') throw errors.notThere(option.flag, shown, why);
    warnings.push(`the option '${option.flag}' has no effect: ${why}`);
  }
  return warnings;
}

/** The value of an option, if it was given. The kind says which type it has. */
export function valueOf<T>(given: GivenOptions, key: string, kind: Kind<T>): T | undefined {
  const found = given.get(key);
  // The kind is the proof of the type: the value was made by it.
  return found?.option.kind === kind ? (found.value as T) : undefined;
}

function byShort(letter: string): Option | undefined {
  return optionByFlag.values().find(({ short }) => short === letter);
}
