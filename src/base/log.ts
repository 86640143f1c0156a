/** The daemon's log: one line per event, `time level message key=value…` or JSON, to one stream. */
import { messageOf } from './errors.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFormat = 'text' | 'json';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines all carry these fields too. */
  with(fields: LogFields): Log;
}

/** Writes lines of at least this level, asked for each of them, with `write` (default: standard error). */
export function createLog(
  level: LogLevel | (() => LogLevel),
  write: (line: string) => void = (line) => process.stderr.write(line),
  fields: LogFields = {},
  format: LogFormat = 'text',
): Log {
  const threshold = typeof level === 'string' ? () => level : level;
  const formatLine = format === 'json' ? formatJson : formatText;
  const line =
    (at: LogLevel) =>
    (message: string, more: LogFields = {}) => {
      if (logLevels.indexOf(at) < logLevels.indexOf(threshold())) return;
      write(formatLine(new Date().toISOString(), at, message, { ...fields, ...more }));
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (more) => createLog(level, write, { ...fields, ...more }, format),
  };
}

/** The whole chain of causes of a thrown value, outermost first: `a: b: c`. */
export function causeChain(thrown: unknown): string {
  const parts: string[] = [];
  for (let at = thrown; at !== undefined && parts.length < 8; at = at instanceof Error ? at.cause : undefined) {
    parts.push(messageOf(at));
  }
  return parts.join(': ');
}

function formatText(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${quoted(String(value))}`);
  return `time=${time} level=${level} msg=${JSON.stringify(message)}${pairs.join('')}\n`;
}

/** compat: dockerd's keys, those of logrus. */
function formatJson(time: string, level: LogLevel, msg: string, fields: LogFields): string {
  return `${JSON.stringify({ ...fields, level, msg, time })}\n`;
}

const quoted = (value: string): string => (/^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value));
