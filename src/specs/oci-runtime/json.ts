/**
 * JSON with 64-bit integers: what the OCI specification calls uint64 and int64 does not always fit
 * into a number (RLIM_INFINITY, argument values of seccomp rules). Such integers are bigints here.
 */

/** Sixteen digits are the least that can exceed 2^53. */
const MAY_HOLD_BIG = /\d{16}/;
const INTEGER = /^-?\d+$/;

/** JSON.parse, except that integers beyond 2^53 become bigints instead of losing digits. Throws SyntaxError. */
export function parseJson64(text: string): unknown {
  if (!MAY_HOLD_BIG.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
    return INTEGER.test(source) ? BigInt(source) : value;
  });
}

/** JSON.stringify, except that bigints are written as plain integers. */
export function formatJson64(value: unknown, indent?: number | string): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? rawJson(item) : item), indent);
}

/** JSON.rawJSON is in the language (ES2026) and in Node, but not in every TypeScript library file. */
function rawJson(value: bigint): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
}
