/** Times as people write and read them on the command line. */
import { humanDuration, parseDateNs, parseDurationMs } from '#base';
import { errors } from '../errors.ts';

const SECOND_NS = 1_000_000_000n;

/**
 * Unix seconds with nine digits of fraction, as the API takes them: of a time (`2026-01-02T03:04:05Z`, or less of it,
 * local without a zone), of how long ago (`42m`), or of Unix seconds. Throws `cli.invalid`.
 */
export function toUnixTime(text: string, flag: string, nowMs = Date.now()): string {
  if (/^-?\d+(\.\d{1,9})?$/.test(text)) return text;
  const date = parseDateNs(text);
  if (date !== undefined) {
    const fraction = ((date % SECOND_NS) + SECOND_NS) % SECOND_NS;
    return `${(date - fraction) / SECOND_NS}.${String(fraction).padStart(9, '0')}`;
  }
  const ago = agoMs(text);
  if (ago === undefined) {
    throw errors.invalid(`invalid value for "${flag}": failed to parse value as time or duration: '${text}'`);
  }
  const ms = Math.round(nowMs - ago);
  const seconds = Math.floor(ms / 1000);
  return `${seconds}.${String(ms - seconds * 1000).padStart(3, '0')}000000`;
}

function agoMs(text: string): number | undefined {
  try {
    return text.startsWith('-') ? -parseDurationMs(text.slice(1)) : parseDurationMs(text);
  } catch {
    return undefined;
  }
}

/** `3 hours ago`. */
export function ago(unixSeconds: number, nowMs = Date.now()): string {
  return `${humanDuration(nowMs - unixSeconds * 1000)} ago`;
}

/** `2026-01-02 03:04:05 +0000 UTC`, local: Go's way of printing a time. */
export function goTime(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  const zone = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' })
    .formatToParts(date)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const [day, time, offset] = localParts(date);
  return `${day} ${time} ${offset.replace(':', '')} ${zone ?? ''}`.trimEnd();
}

/** `2026-01-02T03:04:05.123456789+01:00`, local; `Z` in UTC. */
export function localTimeNs(timeNs: bigint): string {
  const [day, time, offset] = localParts(new Date(Number(timeNs / 1_000_000n)));
  const fraction = String(timeNs % 1_000_000_000n).padStart(9, '0');
  return `${day}T${time}.${fraction}${offset === '+00:00' ? 'Z' : offset}`;
}

function localParts(date: Date): [day: string, time: string, offset: string] {
  const minutes = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000).toISOString();
  const size = Math.abs(minutes);
  const two = (number: number): string => String(number).padStart(2, '0');
  return [
    local.slice(0, 10),
    local.slice(11, 19),
    `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`,
  ];
}
