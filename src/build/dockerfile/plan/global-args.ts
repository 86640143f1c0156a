/** What FROM lines can use: the platforms, and ARGs before the first FROM. Pure. */
import { SkiffError } from '#base';
import { formatPlatform, type Platform } from '#specs';
import { expandWord } from '../expand/expand.ts';
import type { Dockerfile } from '../parse/instruction.ts';
import { located } from '../source-text.ts';

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

export interface GlobalArgs {
  /** In their order; undefined: declared without a value. */
  readonly values: ReadonlyMap<string, string | undefined>;
  /** As they are without `--build-arg`. */
  readonly defaults: ReadonlyMap<string, string | undefined>;
}

/** `target`: the name of the stage that is built. Throws what a default's variables throw, with the place. */
export function globalArgs(
  dockerfile: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
  platforms: { readonly build: Platform; readonly target: Platform; readonly stage: string },
): GlobalArgs {
  const predefined = platformArgs(platforms);
  const values = new Map<string, string | undefined>(predefined);
  for (const name of predefined.keys()) if (Object.hasOwn(buildArgs, name)) values.set(name, buildArgs[name]);
  const defaults = new Map<string, string | undefined>(predefined);
  const options = { escape: dockerfile.directives.escape };
  for (const instruction of dockerfile.globalArgs) {
    for (const { name, value } of instruction.args) {
      const isGiven = Object.hasOwn(buildArgs, name);
      const expandedIn = (known: ReadonlyMap<string, string | undefined>): string | undefined =>
        value === undefined ? undefined : expandWord(value, (word) => known.get(word), options).text;
      try {
        // A default that is not used need not make sense; without one a predefined value stays.
        values.set(name, isGiven ? buildArgs[name] : (expandedIn(values) ?? values.get(name)));
        defaults.set(name, isGiven ? tried(() => expandedIn(defaults)) : values.get(name));
      } catch (error) {
        throw located(error, dockerfile.text, instruction.range);
      }
    }
  }
  return { values, defaults };
}

function tried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof SkiffError) return undefined;
    throw error;
  }
}

function platformArgs({ build, target, stage }: Parameters<typeof globalArgs>[2]): Map<string, string> {
  const words = (prefix: string, platform: Platform): [string, string][] => [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, platform.osVersion ?? ''],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ];
  return new Map([...words('BUILD', build), ...words('TARGET', target), ['TARGETSTAGE', stage || 'default']]);
}

/** Usable without being declared: names in both cases, for programs but not for cache keys. */
export function proxyEnvironment(buildArgs: Readonly<Record<string, string>>): string[] {
  return PROXIES.flatMap((name) => {
    const given = Object.keys(buildArgs).filter((key) => key.toUpperCase() === name);
    const value = given.length === 0 ? undefined : buildArgs[given.at(-1)!];
    return value === undefined ? [] : [`${name}=${value}`, `${name.toLowerCase()}=${value}`];
  });
}

/** `--build-arg`s that need not be declared by an ARG. */
export function isPredefined(name: string): boolean {
  return (
    PROXIES.includes(name.toUpperCase()) ||
    /^(?:BUILD|TARGET)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT)$/.test(name) ||
    name === 'TARGETSTAGE' ||
    name === 'SOURCE_DATE_EPOCH' ||
    name.startsWith('BUILDKIT_')
  );
}
