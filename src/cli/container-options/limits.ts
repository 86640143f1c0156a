/** Limits written as text: `--ulimit`, `--cpus`, `--memory-swap`, `--device-read-bps` and its kin. */
import { parseBytes } from '#base';
import type { ThrottleDeviceBody, WeightDeviceBody } from '#specs';
import { parseInteger } from '../flag-types.ts';

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

const ulimitNames: readonly string[] = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

/** `name=soft[:hard]`; -1 is no limit. */
export function parseUlimit(text: string): Ulimit {
  const at = text.indexOf('=');
  if (at < 0) throw new Error(`invalid ulimit argument: ${text}`);
  const name = text.slice(0, at);
  if (!ulimitNames.includes(name)) throw new Error(`invalid ulimit type: ${name}`);
  const parts = text.slice(at + 1).split(':');
  if (parts.length > 2)
    throw new Error(`too many limit value arguments - ${text.slice(at + 1)}, can only have up to two, \`soft[:hard]\``);
  const soft = parseDecimal(parts[0]!);
  const hard = parts[1] === undefined ? soft : parseDecimal(parts[1]);
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { Name: name, Soft: soft, Hard: hard };
}

/** compat: no base by a prefix here. */
function parseDecimal(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return parseInteger(text.replace(/^([+-]?)0+(?=\d)/, '$1'));
  throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** `c 42:* rmw`: a kind, numbers or `*`, and what is allowed. */
export function parseDeviceRule(text: string): string {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(text)) {
    throw new Error(`invalid device cgroup format '${text}'`);
  }
  return text;
}

/** A weight of 16 bits; compat: in Go's words. */
export function parseWeight(text: string): number {
  const refuse = (why: string): Error => new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`);
  if (!/^\d+$/.test(text)) throw refuse('invalid syntax');
  if (Number(text) > 0xffff) throw refuse('value out of range');
  return Number(text);
}

/** compat: one per name, the last one given, in the order of the names. */
export function distinctUlimits(ulimits: readonly Ulimit[]): Ulimit[] {
  return [...new Map(ulimits.map((each) => [each.Name, each])).values()].sort((a, b) => (a.Name < b.Name ? -1 : 1));
}

/** Billionths of a CPU: `1.5` → 1500000000. compat: a fraction or a power of ten is a number as well. */
export function parseCpus(text: string): number {
  const special = /^([+-]?)(\d+)\/(\d+)$|^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/.exec(text);
  if (special && !/^[\d.]+$/.test(text)) {
    const [, sign, above, below, number] = special;
    const amount = (number === undefined ? Number(above) / Number(below) : Number(number)) * 1e9;
    if (!Number.isFinite(amount)) throw new Error(`failed to parse ${text} as a rational number`);
    if (Math.abs(amount - Math.round(amount)) > 1e-4) throw new Error('value is too precise');
    return Math.round(sign === '-' ? -amount : amount);
  }
  const match = /^(\d*)(?:\.(\d*))?$/.exec(text);
  if (!match || (match[1] === '' && !match[2])) throw new Error(`failed to parse ${text} as a rational number`);
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > 9) throw new Error('value is too precise');
  return Number(match[1]) * 1e9 + Number(fraction.padEnd(9, '0'));
}

/** A size, or -1 for no limit. */
export function parseMemorySwap(text: string): number {
  return text === '-1' ? -1 : parseBytes(text);
}

/** `/dev/sda:1mb`. */
export function parseBytesPerSecond(text: string): ThrottleDeviceBody {
  const hint = 'Number must be a positive integer. Unit is optional and can be kb, mb, or gb';
  return throttle(text, `<device-path>:<number>[<unit>]. ${hint}`, parseBytes);
}

/** `/dev/sda:1000`. */
export function parseOperationsPerSecond(text: string): ThrottleDeviceBody {
  return throttle(text, '<device-path>:<number>. Number must be a positive integer', (rate) => {
    if (!/^\d+$/.test(rate)) throw new Error(rate);
    return Number(rate);
  });
}

/** `/dev/sda:300`; compat: 0 takes a weight away. */
export function parseWeightDevice(text: string): WeightDeviceBody {
  const at = text.indexOf(':');
  const path = text.slice(0, at);
  if (at < 0 || path === '') throw new Error(`bad format: ${text}`);
  if (!path.startsWith('/dev/')) throw new Error(`bad format for device path: ${text}`);
  const weight = Number(text.slice(at + 1));
  if (!/^\d+$/.test(text.slice(at + 1)) || (weight > 0 && (weight < 10 || weight > 1000))) {
    throw new Error(`invalid weight for device: ${text}`);
  }
  return { Path: path, Weight: weight };
}

function throttle(text: string, form: string, parse: (rate: string) => number): ThrottleDeviceBody {
  const at = text.indexOf(':');
  if (at < 0) throw new Error(`bad format: ${text}`);
  const path = text.slice(0, at);
  if (!path.startsWith('/dev/')) throw new Error(`bad format for device path: ${text}`);
  try {
    return { Path: path, Rate: parse(text.slice(at + 1)) };
  } catch {
    throw new Error(`invalid rate for device: ${text}. The correct format is ${form}`);
  }
}
