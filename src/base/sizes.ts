/** Human sizes and durations in Docker's spelling: `512m`, `1.5g`, `10s`, `1m30s`. */
import { SkiffError } from './errors.ts';

const POWERS: Readonly<Record<string, number>> = { '': 0, b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/**
 * Bytes of a size such as `512m`, `1.5GB` or `10KiB`; units are powers of 1024.
 * @throws `invalid` with Docker's wording
 */
export function parseBytes(text: string): number {
  const match = /^(\d+\.?\d*|\.\d+)\s*([bkmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) throw new SkiffError('invalid', 'size.invalid', `invalid size: '${text}'`);
  const bytes = Math.floor(Number(match[1]) * 1024 ** POWERS[match[2]!.toLowerCase()]!);
  if (!Number.isSafeInteger(bytes)) throw new SkiffError('invalid', 'size.invalid', `size out of range: '${text}'`);
  return bytes;
}

const DECIMAL_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;
const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** `1.23MB`: decimal units, `digits` significant ones, as image lists show sizes. */
export function formatBytes(bytes: number, digits = 3): string {
  return scaled(bytes, 1000, DECIMAL_UNITS, digits);
}

/** `512MiB`: binary units with four significant digits, as limits are shown. */
export function formatBinaryBytes(bytes: number): string {
  return scaled(bytes, 1024, BINARY_UNITS, 4);
}

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit += 1;
  }
  return `${Number(value.toPrecision(digits))}${units[unit]}`;
}

const DURATION_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds of a Go duration such as `1m30s`, `250ms`, `0`.
 * @throws `invalid` naming the text
 */
export function parseDurationMs(text: string): number {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    throw new SkiffError('invalid', 'duration.invalid', `invalid duration: '${text}' (like '10s', '1m30s', '250ms')`);
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * DURATION_MS[unit!]!, 0);
}

/** `About a minute`, `3 hours`: how long ago, in Docker's words. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}
