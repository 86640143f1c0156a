/**
 * v1 `devices`: which device nodes may be used (Documentation/admin-guide/cgroup-v1/devices.rst).
 *
 * The kernel keeps a default and a list of exceptions. Rules are played through on paper first, and only the
 * differences to what the cgroup has now are written, so that an update never takes /dev/null away for a moment.
 */
import { ALL_ACCESS, type DeviceRule, deviceAccess, parseDeviceRules } from '#wire';
import { errors } from '../errors.ts';
import type { CgroupResources, ReadFile, Setting } from '../resources.ts';
import type { CgroupStats } from '../stats.ts';

/** The kernel's state: `c 1:3` → access bits that differ from the default. */
export interface DeviceState {
  readonly allowsByDefault: boolean;
  readonly exceptions: ReadonlyMap<string, number>;
}

export function settings({ devices }: CgroupResources, read: ReadFile): Setting[] {
  if (devices === undefined || devices.length === 0) return [];
  return transition(parseState(read('devices.list')), play(parseDeviceRules(devices)));
}

export function stats(): CgroupStats {
  return {};
}

/** What rules make of a new cgroup. compat: nothing is allowed before the first rule, as in runc. */
export function play(rules: readonly DeviceRule[]): DeviceState {
  let allowsByDefault = false;
  const exceptions = new Map<string, number>();
  for (const rule of rules) {
    if (rule.type === 'a') {
      allowsByDefault = rule.allow;
      exceptions.clear();
      continue;
    }
    const key = keyOf(rule);
    const before = exceptions.get(key) ?? 0;
    if (rule.allow !== allowsByDefault) {
      exceptions.set(key, before | rule.access);
      continue;
    }
    refuseHole(rule, exceptions);
    const left = before & ~rule.access;
    if (left === 0) exceptions.delete(key);
    else exceptions.set(key, left);
  }
  return { allowsByDefault, exceptions };
}

/** The writes that lead from one state to another. */
export function transition(current: DeviceState | undefined, wanted: DeviceState): Setting[] {
  const opposite = wanted.allowsByDefault ? 'devices.deny' : 'devices.allow';
  const same = wanted.allowsByDefault ? 'devices.allow' : 'devices.deny';
  const known = current?.allowsByDefault === wanted.allowsByDefault ? current : undefined;
  const list: Setting[] = [];
  if (known === undefined) list.push({ file: same, value: 'a' });
  for (const [key, access] of wanted.exceptions) {
    const missing = access & ~(known?.exceptions.get(key) ?? 0);
    if (missing !== 0) list.push({ file: opposite, value: `${key} ${letters(missing)}` });
  }
  for (const [key, access] of known?.exceptions ?? []) {
    const extra = access & ~(wanted.exceptions.get(key) ?? 0);
    if (extra !== 0) list.push({ file: same, value: `${key} ${letters(extra)}` });
  }
  return list;
}

/** kernel: devices.list shows `a *:* rwm` when everything is allowed, else only what is; exceptions to "all" are hidden. */
function parseState(text: string | undefined): DeviceState | undefined {
  if (text === undefined) return undefined;
  const exceptions = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, type, numbers, access = ''] = /^([abc]) (\S+) ([rwm]+)$/.exec(line) ?? [];
    // In this mode denied devices cannot be read back, so the caller starts from a clean state.
    if (type === 'a') return undefined;
    if (type !== undefined) exceptions.set(`${type} ${numbers}`, bits(access));
  }
  return { allowsByDefault: false, exceptions };
}

/** kernel: an exception disappears only as it was entered; taking a piece out of a wildcard would silently do nothing. */
function refuseHole(rule: DeviceRule, exceptions: ReadonlyMap<string, number>): void {
  for (const [key, access] of exceptions) {
    const [type, numbers = ''] = key.split(' ');
    const [major, minor] = numbers.split(':');
    if (key === keyOf(rule) || type !== rule.type || (access & rule.access) === 0) continue;
    const overlaps = (mine: number | undefined, theirs: string | undefined): boolean =>
      mine === undefined || theirs === '*' || String(mine) === theirs;
    if (overlaps(rule.major, major) && overlaps(rule.minor, minor)) {
      throw errors.invalid(
        `device rule ${keyOf(rule)} ${letters(rule.access)}`,
        `cgroup v1 cannot cut it out of the earlier rule ${key} ${letters(access)}`,
      );
    }
  }
}

function keyOf({ type, major, minor }: DeviceRule): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'}`;
}

function letters(access: number): string {
  const all = access & ALL_ACCESS;
  const has = (bit: number, letter: string): string => ((all & bit) === 0 ? '' : letter);
  return has(deviceAccess.read, 'r') + has(deviceAccess.write, 'w') + has(deviceAccess.mknod, 'm');
}

function bits(access: string): number {
  const has = (letter: string, bit: number): number => (access.includes(letter) ? bit : 0);
  return has('r', deviceAccess.read) | has('w', deviceAccess.write) | has('m', deviceAccess.mknod);
}
