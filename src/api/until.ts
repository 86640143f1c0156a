/** The filter `until` of prunes and lists: what is older than that. */
import { nowNs, parseDateNs, parseDurationMs } from '#base';
import { errors } from './errors.ts';
import type { Filters } from './query.ts';

/** Nanoseconds of a duration before now, of Unix seconds, or of a time; undefined when it is not asked. Throws `api.invalid`. */
export function untilTime(wanted: Filters): bigint | undefined {
  const [text, ...more] = wanted.get('until') ?? [];
  if (more.length > 0) throw errors.invalid('more than one until filter specified');
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return BigInt(Math.round(Number(text) * 1000)) * 1_000_000n;
  const time = parseDateNs(text);
  if (time !== undefined) return time;
  try {
    return nowNs() - BigInt(Math.round(parseDurationMs(text) * 1e6));
  } catch {
    throw errors.invalid(`failed to parse value as time or duration: "${text}"`);
  }
}
