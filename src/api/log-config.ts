/** Docker's `LogConfig` → log settings. */
import { type LogSettings, parseLogSettings } from '#engine';

/** Throws `container.invalid`. */
export function parseLogConfig(type: string, config: Readonly<Record<string, string>>): LogSettings {
  return parseLogSettings(type, config);
}
