/**
 * The kinds of values an option can have: how they are written as a flag and in a configuration file, and how messages
 * show them. compat: Go's, so that messages read as dockerd's do.
 */
import { parseBytes, messageOf } from '#base';

export interface Kind<T> {
  readonly name: string;
  /** What help shows for the value; empty for a switch. */
  readonly placeholder: string;
  /** The value after a flag was given once more. Throws an Error that says what is wrong with the text. */
  flag(text: string, before: T | undefined): T;
  /** A value of the configuration file. Throws an Error in the words of Go's JSON. */
  json(value: unknown, key: string): T;
  show(value: T): string;
}

export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export interface RuntimeEntry {
  readonly path: string;
  readonly args: readonly string[];
}

export const bool: Kind<boolean> = {
  name: 'bool',
  placeholder: '',
  flag: (text) => {
    if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
    if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
    throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  },
  json: (value, key) => (typeof value === 'boolean' ? value : wrongType(value, key, 'bool')),
  show: String,
};

export const text: Kind<string> = {
  name: 'string',
  placeholder: 'string',
  flag: (given) => given,
  json: (value, key) => (typeof value === 'string' ? value : wrongType(value, key, 'string')),
  show: (value) => value,
};

export const integer: Kind<number> = {
  name: 'int',
  placeholder: 'int',
  flag: (given) => {
    if (!/^[+-]?\d{1,15}$/.test(given)) {
      throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(given)}: invalid syntax`);
    }
    return Number(given);
  },
  json: (value, key) => (Number.isSafeInteger(value) ? (value as number) : wrongType(value, key, 'int')),
  show: String,
};

export const size: Kind<number> = {
  name: 'bytes',
  placeholder: 'bytes',
  flag: (given) => parseBytes(given),
  json: (value, key) => {
    if (typeof value === 'number' && value >= 0) return value;
    return typeof value === 'string' ? parseBytes(value) : wrongType(value, key, 'opts.MemBytes');
  },
  show: (value) => `${value}`,
};

export const list: Kind<readonly string[]> = {
  name: 'list',
  placeholder: 'list',
  flag: (given, before = []) => [...before, given],
  json: (value, key) => {
    if (!Array.isArray(value)) return wrongType(value, key, '[]string');
    const wrong = value.find((each) => typeof each !== 'string');
    return wrong === undefined ? (value as string[]) : wrongType(wrong, key, 'string');
  },
  show: (value) => `[${value.join(' ')}]`,
};

export const map: Kind<Readonly<Record<string, string>>> = {
  name: 'map',
  placeholder: 'map',
  flag: (given, before = {}) => {
    const at = given.indexOf('=');
    return { ...before, [at < 0 ? given : given.slice(0, at)]: at < 0 ? '' : given.slice(at + 1) };
  },
  json: (value, key) => {
    const wrong = Object.values(objectOf(value, key, 'map[string]string')).find((each) => typeof each !== 'string');
    return wrong === undefined ? (value as Record<string, string>) : wrongType(wrong, key, 'string');
  },
  show: (value) => `map[${pairs(value, ':')}]`,
};

export const ulimits: Kind<readonly Ulimit[]> = {
  name: 'ulimits',
  placeholder: 'ulimit',
  flag: (given, before = []) => {
    const parsed = parseUlimit(given);
    return [...before.filter(({ name }) => name !== parsed.name), parsed];
  },
  json: (value, key) =>
    Object.entries(objectOf(value, key, 'map[string]*units.Ulimit')).map(([name, each]) => {
      const { Name = name, Soft, Hard } = objectOf(each, key, 'units.Ulimit');
      for (const number of [Soft, Hard]) {
        if (!Number.isSafeInteger(number)) wrongType(number, `${key}.${name}`, 'int64');
      }
      return checkUlimit({ name: String(Name), soft: Number(Soft), hard: Number(Hard) });
    }),
  show: (value) => `[${value.map(({ name, soft, hard }) => `${name}=${soft}:${hard}`).join(' ')}]`,
};

export const runtimes: Kind<Readonly<Record<string, RuntimeEntry>>> = {
  name: 'runtimes',
  placeholder: 'name=path',
  flag: (given, before = {}) => {
    const at = given.indexOf('=');
    const [name, path] = [given.slice(0, at).trim().toLowerCase(), given.slice(at + 1).trim()];
    if (at <= 0 || path === '') throw new Error(`invalid runtime argument: ${given}`);
    if (Object.hasOwn(before, name)) throw new Error(`runtime '${name}' was already defined`);
    return { ...before, [checkRuntimeName(name)]: { path, args: [] } };
  },
  json: (value, key) =>
    Object.fromEntries(
      Object.entries(objectOf(value, key, 'map[string]types.Runtime')).map(([name, each]) => {
        const { path = '', runtimeArgs, ...rest } = objectOf(each, `${key}.${name}`, 'types.Runtime');
        const [unknown] = Object.keys(rest);
        if (unknown !== undefined) {
          throw new Error(`runtime '${name}': '${unknown}' is not supported: give 'path' and 'runtimeArgs'`);
        }
        if (typeof path !== 'string' || path === '') throw new Error(`runtime '${name}' has no 'path'`);
        const args = runtimeArgs === undefined ? [] : list.json(runtimeArgs, `${key}.${name}.runtimeArgs`);
        checkRuntimeArgs(name, args);
        return [checkRuntimeName(name), { path, args }];
      }),
    ),
  show: (value) =>
    `map[${pairs(Object.fromEntries(Object.entries(value).map(([name, { path }]) => [name, path])), ':')}]`,
};

/** A section that is read by whom it is for, such as `builder`, or by nobody. */
export const section: Kind<Readonly<Record<string, unknown>>> = {
  name: 'section',
  placeholder: 'section',
  flag: () => {
    throw new Error('this belongs into the configuration file');
  },
  json: (value, key) => objectOf(value, key, 'map'),
  show: (value) => JSON.stringify(value),
};

/** Names the engine itself answers to. `runc` may be taken over by whoever has one. */
function checkRuntimeName(name: string): string {
  if (name === 'skiff') throw new Error(`runtime name 'skiff' is reserved`);
  if (!/^[a-z0-9][\w.-]*$/i.test(name)) throw new Error(`invalid runtime name: ${name}`);
  return name;
}

/** Of the options every runtime has, those the daemon gives itself, and the one by which it would not find the cgroups. */
function checkRuntimeArgs(name: string, args: readonly string[]): void {
  const wrong = args.find((arg) => /^--?(root|log|log-format|systemd-cgroup)(=|$)/.test(arg));
  if (wrong === undefined) return;
  const why = wrong.includes('systemd') ? 'cgroups are not made by systemd here' : 'the daemon gives it itself';
  throw new Error(`runtime '${name}': runtimeArgs '${wrong}' is not supported: ${why}`);
}

const ULIMITS = new Set(
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' '),
);

/** compat: `name=soft[:hard]`, -1 is unlimited (go-units). */
function parseUlimit(given: string): Ulimit {
  const [, name, soft, hard = soft] = /^([^=]+)=(-?\d{1,15})(?::(-?\d{1,15}))?$/.exec(given) ?? [];
  if (name === undefined) throw new Error(`invalid ulimit argument: ${given}`);
  return checkUlimit({ name, soft: Number(soft), hard: Number(hard) });
}

function checkUlimit(limit: Ulimit): Ulimit {
  const { name, soft, hard } = limit;
  if (!ULIMITS.has(name)) throw new Error(`invalid ulimit type: ${name}`);
  if (hard >= 0 && (soft > hard || soft < 0)) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return limit;
}

function objectOf(value: unknown, key: string, type: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrongType(value, key, type);
  return value as Record<string, unknown>;
}

function wrongType(value: unknown, key: string, type: string): never {
  const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const said = found === 'boolean' ? 'bool' : found;
  throw new Error(`json: cannot unmarshal ${said} into Go struct field Config.${key} of type ${type}`);
}

const pairs = (value: Readonly<Record<string, string>>, between: string): string =>
  Object.keys(value)
    .sort()
    .map((key) => `${key}${between}${value[key]}`)
    .join(' ');

/** What a kind says of a text, with the flag's name, in pflag's words. */
export function flagComplaint(shown: string, given: string, thrown: unknown): string {
  return `invalid argument ${JSON.stringify(given)} for "${shown}" flag: ${messageOf(thrown)}`;
}
