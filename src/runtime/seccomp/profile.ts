/**
 * Docker's seccomp profile format: the OCI object plus `archMap`, `includes` and `excludes`, and the
 * reader for profiles that users bring along.
 */
import { messageOf } from '#base';
import type { Seccomp, SeccompAction, SeccompArg, SeccompRule } from '#specs';
import { parseJson64 } from '#specs';
import { errors } from './errors.ts';

/** What `--security-opt seccomp=FILE` holds. An OCI `linux.seccomp` object is one as well. */
export interface SeccompProfile extends Omit<Seccomp, 'syscalls'> {
  readonly archMap?: readonly ProfileArchitecture[];
  readonly syscalls?: readonly ProfileRule[];
}

/** A host architecture and the ones whose programs it runs too. */
export interface ProfileArchitecture {
  readonly architecture: string;
  readonly subArchitectures?: readonly string[] | null;
}

/** A rule with the conditions under which it is part of the filter. */
export interface ProfileRule extends Omit<SeccompRule, 'names'> {
  /** The old spelling of a single name. */
  readonly name?: string;
  readonly names?: readonly string[];
  readonly comment?: string;
  readonly includes?: ProfileCondition;
  readonly excludes?: ProfileCondition;
}

/** Docker's architecture names are Go's (`amd64`), with `x86` for 386. */
export interface ProfileCondition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: string;
}

const ACTIONS: ReadonlySet<string> = new Set<SeccompAction>([
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
]);
const OPERATORS: ReadonlySet<string> = new Set<SeccompArg['op']>([
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
]);
const FLAGS: ReadonlySet<string> = new Set([
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
]);
const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/** Reads and checks a profile's text. Throws `seccomp.syntax` and `seccomp.profile` with the place of the mistake. */
export function parseSeccompProfile(text: string): SeccompProfile {
  let value: unknown;
  try {
    value = parseJson64(text);
  } catch (error) {
    throw errors.syntax(messageOf(error));
  }
  return checkSeccompProfile(value);
}

/** Checks a parsed profile, or the `linux.seccomp` of a config. Unknown keys are left alone, as Docker does. */
export function checkSeccompProfile(value: unknown): SeccompProfile {
  const profile = object(value, 'the profile');
  if (profile['defaultAction'] === undefined) throw errors.profile('defaultAction', 'is missing');
  const fallback = member(profile['defaultAction'], ACTIONS, 'defaultAction');
  // compat: runc refuses it, because the process that would send the notify fd is filtered itself.
  if (fallback === 'SCMP_ACT_NOTIFY') throw errors.profile('defaultAction', 'SCMP_ACT_NOTIFY cannot be the default');
  optional(profile['defaultErrnoRet'], (item) => errno(item, 'defaultErrnoRet'));
  optional(profile['flags'], (list) => each(list, 'flags', (item, where) => member(item, FLAGS, where)));
  optional(profile['architectures'], (list) => each(list, 'architectures', text));
  optional(profile['listenerPath'], (item) => text(item, 'listenerPath'));
  optional(profile['listenerMetadata'], (item) => text(item, 'listenerMetadata'));
  optional(profile['archMap'], (list) => each(list, 'archMap', checkArchitecture));
  if (length(profile['archMap']) > 0 && length(profile['architectures']) > 0) {
    throw errors.profile('archMap', "both 'architectures' and 'archMap' are given, use either");
  }
  optional(profile['syscalls'], (list) => each(list, 'syscalls', checkRule));
  return profile as unknown as SeccompProfile;
}

function checkArchitecture(value: unknown, where: string): void {
  const entry = object(value, where);
  text(entry['architecture'], `${where}.architecture`);
  optional(entry['subArchitectures'], (list) => each(list, `${where}.subArchitectures`, text));
}

function checkRule(value: unknown, position: string): void {
  const rule = object(value, position);
  const named = typeof rule['name'] === 'string' && rule['name'] !== '';
  const names: unknown[] = Array.isArray(rule['names']) ? rule['names'] : [];
  const where = `${position} (${[...(named ? [rule['name']] : []), ...names].slice(0, 3).map(String).join(', ')})`;
  if (named && names.length > 0) throw errors.profile(where, "both 'name' and 'names' are given, use either");
  optional(rule['names'], (list) => each(list, `${where}.names`, text));
  if (!named && names.length === 0) throw errors.profile(position, 'names no system call');
  if (rule['action'] === undefined) throw errors.profile(where, 'has no action');
  const action = member(rule['action'], ACTIONS, `${where}.action`);
  // compat: runc refuses it: whoever sends the notify fd has to write.
  if (action === 'SCMP_ACT_NOTIFY' && (names.includes('write') || rule['name'] === 'write')) {
    throw errors.profile(where, 'SCMP_ACT_NOTIFY cannot be used for write');
  }
  optional(rule['errnoRet'], (item) => errno(item, `${where}.errnoRet`));
  optional(rule['args'], (list) => each(list, `${where}.args`, checkArgument));
  optional(rule['includes'], (item) => checkCondition(item, `${where}.includes`));
  optional(rule['excludes'], (item) => checkCondition(item, `${where}.excludes`));
}

function checkArgument(value: unknown, where: string): void {
  const arg = object(value, where);
  const index = arg['index'];
  if (!Number.isInteger(index) || Number(index) < 0 || Number(index) > 5) {
    throw errors.profile(`${where}.index`, `${show(index)} is not in 0 ... 5`);
  }
  unsigned(arg['value'], `${where}.value`);
  optional(arg['valueTwo'], (item) => unsigned(item, `${where}.valueTwo`));
  member(arg['op'], OPERATORS, `${where}.op`);
}

function checkCondition(value: unknown, where: string): void {
  const condition = object(value, where);
  optional(condition['caps'], (list) => each(list, `${where}.caps`, text));
  optional(condition['arches'], (list) => each(list, `${where}.arches`, text));
  optional(condition['minKernel'], (item) => {
    text(item, `${where}.minKernel`);
    if (typeof item === 'string' && !/^\d+\.\d+$/.test(item)) {
      throw errors.profile(`${where}.minKernel`, `'${item}' is not a version such as 4.8`);
    }
  });
}

/** Absent and null are the same, as for Go's decoder. */
function optional(value: unknown, check: (value: unknown) => void): void {
  if (value !== undefined && value !== null) check(value);
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw errors.profile(where, 'is not an object');
  }
  return value as Record<string, unknown>;
}

function each(value: unknown, where: string, check: (item: unknown, where: string) => void): void {
  if (!Array.isArray(value)) throw errors.profile(where, 'is not a list');
  for (const [index, item] of value.entries()) check(item, `${where}[${index}]`);
}

function text(value: unknown, where: string): void {
  if (typeof value !== 'string') throw errors.profile(where, `${show(value)} is not a string`);
}

function member(value: unknown, allowed: ReadonlySet<string>, where: string): string {
  if (typeof value !== 'string' || !allowed.has(value)) {
    throw errors.profile(where, `${show(value)} is not one of ${[...allowed].join(', ')}`);
  }
  return value;
}

function errno(value: unknown, where: string): void {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > 0xffff) {
    throw errors.profile(where, `${show(value)} is not an errno`);
  }
}

function unsigned(value: unknown, where: string): void {
  const whole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
  if (!whole || BigInt(value) < 0n || BigInt(value) > MAX_U64) {
    throw errors.profile(where, `${show(value)} is not an unsigned 64-bit integer`);
  }
}

function length(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function show(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'nothing');
}
