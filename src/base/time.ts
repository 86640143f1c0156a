/** Times as Docker writes them: RFC 3339 in UTC with up to nine digits of fraction, trailing zeros dropped. */

/** Unix time in nanoseconds, from the system clock. */
export function nowNs(): bigint {
  // The clock of `performance` is finer than that of Date and runs with it.
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}

/** `2026-01-02T03:04:05.123456789Z`. */
export function formatTimeNs(timeNs: bigint): string {
  const seconds = new Date(Number(timeNs / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = String(timeNs % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

/**
 * Which of two times, as `formatTimeNs` writes them, came first: negative, 0 or positive. As texts they compare wrongly,
 * for fractions end where their zeros begin: `.5Z` is after `.51Z`.
 */
export function compareTimes(a: string, b: string): number {
  const [first, second] = [a.slice(0, -1), b.slice(0, -1)];
  return first === second ? 0 : first < second ? -1 : 1;
}

/** Nanoseconds of an RFC 3339 time; undefined when it is not one. */
export function parseTimeNs(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return undefined;
  const ms = Date.parse(`${match[1]}${match[3]}`);
  // A month 13, or an hour 25.
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

/** Nanoseconds of a time as people write it: RFC 3339 or less of it, local without a zone; undefined when it is none. */
export function parseDateNs(text: string): bigint | undefined {
  const date = DATE.exec(text);
  if (!date) return undefined;
  const [, day, hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = date;
  const ms = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Docker's "never". */
export const ZERO_TIME = '0001-01-01T00:00:00Z';
