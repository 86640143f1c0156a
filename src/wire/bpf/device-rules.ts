/**
 * What a list of device cgroup rules means: for each node and access the last rule that speaks of it decides.
 *
 * The list is OCI's (config-linux.md, "Allowed Device List"). A rule for all devices (type `a`) forgets everything
 * before it. Without any rule nothing is allowed, as in runc.
 */
import { errors } from './errors.ts';

/** One OCI rule as users write it. */
export interface DeviceRuleInput {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly access?: string;
}

/** A checked rule; a missing number stands for all. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type: 'a' | 'b' | 'c';
  readonly major?: number;
  readonly minor?: number;
  /** Bits of `deviceAccess`. */
  readonly access: number;
}

/** kernel: BPF_DEVCG_ACC_ of include/uapi/linux/bpf.h. */
export const deviceAccess = { mknod: 1, read: 2, write: 4 } as const;
export const ALL_ACCESS = 7;

/** Checks rules and drops those that a later "all devices" makes meaningless. Throws `bpf.deviceRule`. */
export function parseDeviceRules(rules: readonly DeviceRuleInput[]): DeviceRule[] {
  const parsed = rules.map(parseRule);
  return parsed.slice(
    Math.max(
      0,
      parsed.findLastIndex((rule) => rule.type === 'a'),
    ),
  );
}

function parseRule(rule: DeviceRuleInput, index: number): DeviceRule {
  const type = rule.type === undefined || rule.type === '' ? 'a' : rule.type;
  // spec: `u` is the unbuffered spelling of `c` (mknod(1)).
  if (type !== 'a' && type !== 'b' && type !== 'c' && type !== 'u') {
    throw errors.deviceRule(index, `type '${type}' is none of a, b and c`);
  }
  const access = rule.access ?? '';
  if (access === '') throw errors.deviceRule(index, 'access is empty');
  let bits = 0;
  for (const letter of access) bits |= accessBit(letter, index);
  // kernel: "a" in devices.allow and devices.deny ignores numbers and access (security/device_cgroup.c).
  if (type === 'a') return { allow: rule.allow, type, access: ALL_ACCESS };
  return {
    allow: rule.allow,
    type: type === 'u' ? 'c' : type,
    ...number('major', rule.major, index),
    ...number('minor', rule.minor, index),
    access: bits,
  };
}

function accessBit(letter: string, index: number): number {
  switch (letter) {
    case 'm':
      return deviceAccess.mknod;
    case 'r':
      return deviceAccess.read;
    case 'w':
      return deviceAccess.write;
    default:
      throw errors.deviceRule(index, `access '${letter}' is none of r, w and m`);
  }
}

/** -1 is an old spelling of "all". */
function number<Name extends string>(name: Name, value: number | undefined, index: number): { [key in Name]?: number } {
  if (value === undefined || value === -1) return {};
  if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
    throw errors.deviceRule(index, `${name} ${value} is not a device number`);
  }
  return { [name]: value } as { [key in Name]?: number };
}
