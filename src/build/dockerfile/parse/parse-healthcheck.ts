/** HEALTHCHECK: `NONE`, or flags and a command. Pure. */
import { parseDurationMs, SkiffError } from '#base';
import type { Healthcheck } from '#specs';
import { errors } from '../errors.ts';
import { type FlagKinds, Flags, type FlaggedText } from './flags.ts';
import { parseCommand } from './parse-run.ts';

const HEALTHCHECK: FlagKinds = {
  interval: 'text',
  timeout: 'text',
  'start-period': 'text',
  'start-interval': 'text',
  retries: 'text',
};

/** Throws what `Flags` throws, `dockerfile.noArguments`, `.healthcheck…`, `.shortInterval`, `.badDuration`, retries. */
export function parseHealthcheck({ flags: texts, rest }: FlaggedText): Healthcheck {
  const [, word = '', line = ''] = /^(\S*)\s*([^]*)$/.exec(rest) ?? [];
  const kind = word.toUpperCase();
  if (kind === '') throw errors.noArguments('HEALTHCHECK');
  const flags = new Flags(texts, HEALTHCHECK);
  if (kind === 'NONE') {
    if (line !== '') throw errors.healthcheckNone();
    return { test: ['NONE'], interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };
  }
  if (kind !== 'CMD') throw errors.healthcheckType(kind);
  const command = parseCommand(line);
  const words = command.form === 'exec' ? command.words : [line];
  if (words.length === 0 || line === '') throw errors.healthcheckCommand();
  return {
    test: [command.form === 'exec' ? 'CMD' : 'CMD-SHELL', ...words],
    interval: duration(flags, 'interval'),
    timeout: duration(flags, 'timeout'),
    startPeriod: duration(flags, 'start-period'),
    startInterval: duration(flags, 'start-interval'),
    retries: retriesOf(flags.text('retries')),
  };
}

/** Nanoseconds. */
function duration(flags: Flags, name: string): number {
  const text = flags.text(name);
  if (text === '') return 0;
  const ms = durationMs(text.replace(/^[-+]/, ''));
  if ((text.startsWith('-') || ms < 1) && ms !== 0) throw errors.shortInterval(name);
  return ms * 1_000_000;
}

function durationMs(text: string): number {
  try {
    return parseDurationMs(text);
  } catch (error) {
    if (error instanceof SkiffError) throw durationError(text);
    throw error;
  }
}

/** compat: what Go finds wrong with it. */
function durationError(text: string): SkiffError {
  if (/^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text)) return errors.badDuration('missing unit in', text);
  const [, unit] = /^(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))*\d+(?:\.\d*)?([^\d.]+)/.exec(text) ?? [];
  if (unit === undefined) return errors.badDuration('invalid', text);
  return errors.badDuration(`unknown unit ${JSON.stringify(unit)} in`, text);
}

function retriesOf(text: string): number {
  if (text === '') return 0;
  const number = Number(text);
  if (!/^[-+]?\d+$/.test(text) || Math.abs(number) > 0x7fff_ffff) throw errors.badRetries(text);
  if (number < 0) throw errors.negativeRetries(text);
  return number;
}
