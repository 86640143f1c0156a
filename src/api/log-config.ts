/** `LogConfig` → log settings, with the bounds DESIGN.md sets where the user set none. */
import { parseBytes } from '#base';
import type { LogSettings } from '#engine';
import { errors } from './errors.ts';

/** compat: Docker has no limit by default. We keep 1 GiB per container at most, always shown in inspect. */
const DEFAULTS = { 'max-size': '200m', 'max-file': '5' } as const;

export function parseLogConfig(type: string, config: Readonly<Record<string, string>>): LogSettings {
  const driver = type === '' ? 'json-file' : type;
  if (driver === 'none') return { driver, maxSizeBytes: 0, maxFiles: 1, options: {} };
  if (driver !== 'json-file') throw errors.unsupported(`log driver "${driver}"`, 'use json-file or none');
  for (const key of Object.keys(config)) {
    if (!(key in DEFAULTS)) throw errors.invalid(`unknown log opt '${key}' for json-file log driver`);
  }
  const options: Record<keyof typeof DEFAULTS, string> = { ...DEFAULTS, ...config };
  const maxSizeBytes = options['max-size'] === '-1' ? 0 : parseBytes(options['max-size']);
  const maxFiles = Number(options['max-file']);
  if (!Number.isInteger(maxFiles) || maxFiles < 1)
    throw errors.invalid(`max-file cannot be less than 1 (it is '${options['max-file']}')`);
  return { driver, maxSizeBytes, maxFiles, options };
}
