/** Ranges of bytes: of a blob that is read (RFC 9110), of a chunk that is uploaded. Pure. */

export interface Span {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/**
 * The part of a blob a `Range` header asks for. Undefined: all of it, also where several parts are asked for or the
 * header makes no sense (RFC 9110 lets us); `'unsatisfiable'` where there is no such part.
 */
export function parseRange(header: string | undefined, sizeBytes: number): Span | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return start > end ? 'unsatisfiable' : { start, end };
}

/** `0-99` of an upload. Undefined when it is something else. spec: distribution-spec, Pushing a blob in chunks. */
export function parseContentRange(header: string): Span | undefined {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(header.trim());
  if (!match) return undefined;
  const span = { start: Number(match[1]), end: Number(match[2]) };
  return span.start <= span.end ? span : undefined;
}

/** `0-99` for 100 bytes held. compat: `0-0` for none, as distribution says it. */
export function heldRange(sizeBytes: number): string {
  return `0-${Math.max(0, sizeBytes - 1)}`;
}
