/** How Go prints values: image histories hold such text, and tools compare it. Pure. */
import type { Healthcheck } from '#specs';

const NAMED: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** `"a\n"`: `%q` of a string. */
export function goQuote(text: string): string {
  return `"${Array.from(text, (char) => goCharacter(char, '"')).join('')}"`;
}

/** `["a" "b"]`: `%q` of a list of strings. */
export function goQuoteList(words: readonly string[]): string {
  return `[${words.map(goQuote).join(' ')}]`;
}

/** `[a b]`: `%v` of a list of strings. */
export function goList(words: readonly string[]): string {
  return `[${words.join(' ')}]`;
}

/** `1m30s`: a duration of nanoseconds. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e9) {
    const [unit, size] = nanoseconds < 1e3 ? ['ns', 1] : nanoseconds < 1e6 ? ['µs', 1e3] : ['ms', 1e6];
    return `${decimal(nanoseconds / size)}${unit}`;
  }
  const minutes = Math.floor(nanoseconds / 60e9);
  const seconds = decimal((nanoseconds - minutes * 60e9) / 1e9);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds}s`;
  return hours === 0 ? `${minutes}m${seconds}s` : `${hours}h${minutes % 60}m${seconds}s`;
}

/** `{Test:[CMD-SHELL x] Interval:30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:3}`: `%+v` of a health check. */
export function goHealthcheck(check: Healthcheck): string {
  const durations = [
    `Interval:${goDuration(check.interval)}`,
    `Timeout:${goDuration(check.timeout)}`,
    `StartPeriod:${goDuration(check.startPeriod)}`,
    `StartInterval:${goDuration(check.startInterval)}`,
  ];
  return `{Test:${goList(check.test)} ${durations.join(' ')} Retries:${check.retries}}`;
}

function goCharacter(char: string, quote: string): string {
  if (char === quote) return `\\${quote}`;
  const named = NAMED[char];
  if (named !== undefined) return named;
  const code = char.codePointAt(0)!;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  if (code < 0x7f || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char)) return char;
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

const decimal = (value: number): string => String(Number(value.toFixed(9)));
