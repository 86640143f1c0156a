/** `LogConfig` → log settings, with the bounds DESIGN.md sets where the user set none. */
import { parseBytes } from '#base';
import type { LogSettings } from '#engine';
import { errors } from './errors.ts';

/** compat: Docker has no limit by default. We keep 1 GiB per container at most, always shown in inspect. */
const DEFAULTS = { 'max-size': '200m', 'max-file': '5' } as const;

/** compat: the daemon's options count with the daemon's driver only. */
export function parseLogConfig(
  type: string,
  config: Readonly<Record<string, string>>,
  byDefault: Pick<LogSettings, 'driver' | 'options'>,
): LogSettings {
  const driver = type === '' ? byDefault.driver : type;
  const inherited = driver === byDefault.driver ? byDefault.options : {};
  if (driver === 'none') return { driver, maxSizeBytes: 0, maxFiles: 1, options: {} };
  if (driver !== 'json-file') throw errors.unsupported(`log driver "${driver}"`, 'use json-file or none');
  const given = { ...inherited, ...config };
  for (const key of Object.keys(given)) {
    if (!(key in DEFAULTS)) throw errors.invalid(`unknown log opt '${key}' for json-file log driver`);
  }
  const options: Record<keyof typeof DEFAULTS, string> = { ...DEFAULTS, ...given };
  const maxSizeBytes = options['max-size'] === '-1' ? 0 : parseBytes(options['max-size']);
  const maxFiles = Number(options['max-file']);
  if (!Number.isInteger(maxFiles) || maxFiles < 1)
    throw errors.invalid(`max-file cannot be less than 1 (it is '${options['max-file']}')`);
  return { driver, maxSizeBytes, maxFiles, options };
}
