/**
 * Dockerfile instructions that change an image's config, as `docker import --change` and `docker commit --change` take.
 *
 * Pure: a config and instructions give the next config.
 */
import { posix } from 'node:path';
import { messageOf, SkiffError } from '#base';
import { signalNumber } from '#linux';
import { expandWord, splitWords } from './change-words.ts';
import { commandOf, jsonStrings } from './command-form.ts';
import { healthcheckOf } from './healthcheck.ts';
import { errors } from './errors.ts';
import type { ImageConfig } from './image-record.ts';

type Instruction = (config: ImageConfig, rest: string) => ImageConfig;

const INSTRUCTIONS: Readonly<Record<string, Instruction>> = {
  CMD: (config, rest) => ({ ...config, command: commandOf(rest) }),
  ENTRYPOINT: (config, rest) => ({ ...config, entrypoint: commandOf(rest) }),
  ENV: (config, rest) => ({
    ...config,
    env: pairsOf(config, 'ENV', rest).reduce<readonly string[]>(
      (env, [name, value]) => [...env.filter((entry) => !entry.startsWith(`${name}=`)), `${name}=${value}`],
      config.env,
    ),
  }),
  EXPOSE: (config, rest) => ({
    ...config,
    exposedPorts: united(config.exposedPorts, wordsOf(config, 'EXPOSE', rest).flatMap(portsOf)),
  }),
  HEALTHCHECK: (config, rest) => ({ ...config, healthcheck: healthcheckOf(rest) }),
  LABEL: (config, rest) => ({
    ...config,
    labels: { ...config.labels, ...Object.fromEntries(pairsOf(config, 'LABEL', rest)) },
  }),
  ONBUILD: (config, rest) => ({ ...config, onBuild: [...config.onBuild, triggerOf(rest)] }),
  STOPSIGNAL: (config, rest) => ({ ...config, stopSignal: signalOf(onlyWord(config, 'STOPSIGNAL', rest)) }),
  USER: (config, rest) => ({ ...config, user: onlyWord(config, 'USER', rest) }),
  VOLUME: (config, rest) => ({ ...config, volumes: united(config.volumes, volumesOf(config, rest)) }),
  WORKDIR: (config, rest) => ({ ...config, workingDirectory: directoryOf(config, rest) }),
};

/**
 * Applies instructions one after the other; each text may hold several lines, comments, and `\` at line ends.
 * Throws `image.badChange` for what is none of them, `image.changeSyntax` for malformed ones.
 */
export function applyChanges(config: ImageConfig, changes: readonly string[]): ImageConfig {
  return changes.flatMap(linesOf).reduce(applyLine, config);
}

function applyLine(config: ImageConfig, line: string): ImageConfig {
  const [, word, rest] = /^(\S+)\s*([^]*)$/.exec(line) as unknown as [string, string, string];
  const name = word.toUpperCase();
  const instruction = Object.hasOwn(INSTRUCTIONS, name) ? INSTRUCTIONS[name] : undefined;
  // compat: in small letters, however it was written.
  if (!instruction) throw errors.badChange(word.toLowerCase());
  try {
    if (rest === '') throw new Error(`${name} requires at least one argument`);
    return instruction(config, rest);
  } catch (error) {
    if (error instanceof SkiffError) throw error;
    throw errors.changeSyntax(messageOf(error));
  }
}

function linesOf(change: string): string[] {
  const lines = change.split(/\r?\n/).filter((line) => !/^\s*(#|$)/.test(line));
  return lines
    .join('\n')
    .replace(/\\[ \t]*\n/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** `a=b c="d e"`, or the old form `a the rest`. */
function pairsOf(config: ImageConfig, name: string, rest: string): [key: string, value: string][] {
  const words = splitWords(rest);
  const pairs = words[0]!.includes('=')
    ? words.map((word) => {
        const at = word.indexOf('=');
        if (at < 0) throw new Error(`can't find = in "${word}". Must be of the form: name=value`);
        return [word.slice(0, at), word.slice(at + 1)] as const;
      })
    : [[words[0]!, oldFormValue(name, rest)] as const];
  const expanded = pairs.map(([key, value]): [string, string] => [expand(config, key), expand(config, value)]);
  if (expanded.some(([key]) => key === '')) throw new Error(`${name} names can not be blank`);
  return expanded;
}

function oldFormValue(name: string, rest: string): string {
  const value = /^\S+\s+([^]*)$/.exec(rest)?.[1];
  if (value === undefined) throw new Error(`${name} must have two arguments`);
  return value;
}

function wordsOf(config: ImageConfig, name: string, rest: string): string[] {
  const words = splitWords(rest).flatMap((word) => splitWords(expand(config, word)));
  if (words.length === 0) throw new Error(`${name} requires at least one argument`);
  return words;
}

function onlyWord(config: ImageConfig, name: string, rest: string): string {
  const words = splitWords(rest).map((word) => expand(config, word));
  if (words.length !== 1 || words[0] === '') throw new Error(`${name} requires exactly one argument`);
  return words[0]!;
}

/** `80`, `80/udp`, `8000-8010/tcp`. */
function portsOf(word: string): string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/([a-zA-Z]+))?$/.exec(word);
  if (!match) throw new Error(`invalid containerPort: ${word}`);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw new Error(`invalid proto: ${match[3]}`);
  if (first < 1 || last > 65_535 || last < first) throw new Error(`invalid range of ports: ${word}`);
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

/** An instruction for builds from this image; what it does is seen then. */
function triggerOf(rest: string): string {
  const [, word = ''] = /^(\S+)/.exec(rest) ?? [];
  const name = word.toUpperCase();
  if (name === 'ONBUILD') throw new Error("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (name === 'MAINTAINER' || name === 'FROM') throw new Error(`${name} isn't allowed as an ONBUILD trigger`);
  return rest;
}

function signalOf(word: string): string {
  if (signalNumber(word) === undefined) throw new Error(`invalid signal: ${word}`);
  return word;
}

function volumesOf(config: ImageConfig, rest: string): string[] {
  const words = jsonStrings(rest) ?? splitWords(rest);
  const paths = words.map((word) => expand(config, word).trim());
  if (paths.length === 0 || paths.includes('')) throw new Error('VOLUME specified can not be an empty string');
  return paths;
}

/** Relative to the one before. */
function directoryOf(config: ImageConfig, rest: string): string {
  return posix.resolve('/', config.workingDirectory, expand(config, rest));
}

function expand(config: ImageConfig, word: string): string {
  return expandWord(word, (name) => {
    const entry = config.env.find((entry) => entry.startsWith(`${name}=`));
    return entry?.slice(name.length + 1);
  });
}

function united(before: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...before, ...more])];
}
