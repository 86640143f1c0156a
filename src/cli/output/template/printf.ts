/** Go's Printf: the verbs people use in templates. */
import { printValue } from './values.ts';

/** Mistakes are marked in the result as Go marks them, not thrown. */
export function formatPrintf(format: string, args: readonly unknown[]): string {
  let index = 0;
  const text = format.replace(
    /%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])?/g,
    (_, flags: string, width?: string, precision?: string, verb?: string) => {
      if (verb === '%') return '%';
      if (verb === undefined) return '%!(NOVERB)';
      if (index >= args.length) return `%!${verb}(MISSING)`;
      const arg = args[index];
      index += 1;
      const body = formatVerb(verb, arg, flags, precision === undefined ? undefined : Number(precision));
      const size = Number(width ?? 0);
      if (flags.includes('-')) return body.padEnd(size);
      const zeros = flags.includes('0') && /^[-+]?\d/.test(body);
      if (!zeros) return body.padStart(size);
      const sign = /^[-+]/.exec(body)?.[0] ?? '';
      return sign + body.slice(sign.length).padStart(size - sign.length, '0');
    },
  );
  return index < args.length
    ? `${text}%!(EXTRA ${args
        .slice(index)
        .map((each) => `${goType(each)}=${printValue(each)}`)
        .join(', ')})`
    : text;
}

function formatVerb(verb: string, arg: unknown, flags: string, precision: number | undefined): string {
  const number = typeof arg === 'number' || typeof arg === 'bigint';
  const integer = typeof arg === 'bigint' || Number.isInteger(arg);
  const signed = (text: string): string => (flags.includes('+') && !text.startsWith('-') ? `+${text}` : text);
  switch (verb) {
    case 'v':
      return number ? signed(printValue(arg)) : printValue(arg);
    case 's':
      if (!number && typeof arg !== 'boolean') return cut(printValue(arg), precision);
      break;
    case 'q':
      if (typeof arg === 'string') return JSON.stringify(arg);
      break;
    case 't':
      if (typeof arg === 'boolean') return String(arg);
      break;
    case 'd':
      if (number && integer) return signed(String(arg));
      break;
    case 'x':
    case 'X': {
      const hex =
        number && integer ? arg.toString(16) : typeof arg === 'string' ? Buffer.from(arg).toString('hex') : undefined;
      if (hex !== undefined) return verb === 'X' ? hex.toUpperCase() : hex;
      break;
    }
    case 'o':
    case 'b':
      if (number && integer) return arg.toString(verb === 'o' ? 8 : 2);
      break;
    case 'f':
      if (number) return signed(Number(arg).toFixed(precision ?? 6));
      break;
  }
  return `%!${verb}(${goType(arg)}=${printValue(arg)})`;
}

const cut = (text: string, length: number | undefined): string =>
  length === undefined ? text : Array.from(text).slice(0, length).join('');

function goType(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint')
    return Number.isInteger(value) || typeof value === 'bigint' ? 'int' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}
