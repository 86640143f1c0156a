/** Headers of answers as values: Retry-After, Content-Range, Range, Link. Pure. */

/** Milliseconds of a `Retry-After`, in seconds or as a date; undefined when it is neither. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Z][a-z]{2},? /.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time - nowMs);
}

export interface ContentRange {
  readonly start: number;
  /** The last byte, inclusive. */
  readonly end: number;
  /** Of the whole; undefined when the server does not know. */
  readonly total: number | undefined;
}

/** `bytes 5-9/10` of a 206. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes[ =]+(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(value?.trim() ?? '');
  if (!match) return undefined;
  const start = Number(match[1]);
  const end = Number(match[2]);
  const total = match[3] === '*' ? undefined : Number(match[3]);
  if (end < start || (total !== undefined && end >= total)) return undefined;
  return { start, end, total };
}

/**
 * How many bytes of an upload a registry has, from `Range: 0-<last>`; undefined when it does not say.
 * compat: registries write `0-0` for nothing at all as for one byte, and some put `bytes=` in front.
 */
export function parseUploadRange(value: string | undefined): number | undefined {
  const match = /^(?:bytes=)?0-(-?\d{1,15})$/.exec(value?.trim() ?? '');
  if (!match) return undefined;
  const last = Number(match[1]);
  return last <= 0 ? 0 : last + 1;
}

/** The target of `rel="next"` in a `Link`; undefined when there is none. spec: RFC 8288. */
export function parseNextLink(value: string | undefined): string | undefined {
  for (const [, target, parameters] of (value ?? '').matchAll(/<([^<>]*)>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=\s*(?:[;,]|$)))/i.test(parameters!)) return target;
  }
  return undefined;
}
