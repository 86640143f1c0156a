/** Docker's `LogConfig` → log settings. */
import { type LogSettings, parseLogSettings } from '#engine';

/** compat: the daemon's options count with the daemon's driver only. Throws `container.invalid`. */
export function parseLogConfig(
  type: string,
  config: Readonly<Record<string, string>>,
  byDefault: Pick<LogSettings, 'driver' | 'options'>,
): LogSettings {
  const driver = type === '' ? byDefault.driver : type;
  const inherited = driver === byDefault.driver ? byDefault.options : {};
  return parseLogSettings(driver, { ...inherited, ...config });
}
