/**
 * What HEALTHCHECK says: `NONE`, or flags and a command. Pure. compat: BuildKit's refusals.
 */
import { parseDurationMs } from '#base';
import type { Healthcheck } from '#specs';
import { jsonStrings } from './command-form.ts';

const DURATIONS = {
  interval: 'interval',
  timeout: 'timeout',
  'start-period': 'startPeriod',
  'start-interval': 'startInterval',
} as const;

const ABSENT: Healthcheck = { test: [], interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };

/** `rest` is what comes after the instruction's name. Throws an `Error` that says what is wrong. */
export function healthcheckOf(rest: string): Healthcheck {
  let text = rest;
  let check = ABSENT;
  for (;;) {
    const match = /^--(\S+)\s*([^]*)$/.exec(text);
    if (!match) break;
    check = withFlag(check, match[1]!);
    text = match[2]!;
  }
  const [, word = '', command = ''] = /^(\S*)\s*([^]*)$/.exec(text) ?? [];
  const kind = word.toUpperCase();
  if (kind === 'NONE') {
    if (command !== '') throw new Error('HEALTHCHECK NONE takes no arguments');
    return { ...check, test: ['NONE'] };
  }
  if (kind !== 'CMD') throw new Error(`Unknown type "${kind}" in HEALTHCHECK (try CMD)`);
  if (command === '') throw new Error('Missing command after HEALTHCHECK CMD');
  const words = jsonStrings(command);
  return { ...check, test: words ? ['CMD', ...words] : ['CMD-SHELL', command] };
}

function withFlag(check: Healthcheck, flag: string): Healthcheck {
  const at = flag.indexOf('=');
  const [name, value] = at < 0 ? [flag, ''] : [flag.slice(0, at), flag.slice(at + 1)];
  if (name === 'retries') {
    if (!/^\d+$/.test(value)) throw new Error(`strconv.ParseInt: parsing "${value}": invalid syntax`);
    return { ...check, retries: Number(value) };
  }
  if (!Object.hasOwn(DURATIONS, name)) throw new Error(`unknown flag: ${name}`);
  const ms = value === '' ? 0 : parseDurationMs(value);
  if (ms !== 0 && ms < 1) throw new Error(`Interval "${name}" cannot be less than 1ms`);
  return { ...check, [DURATIONS[name as keyof typeof DURATIONS]]: ms * 1_000_000 };
}
