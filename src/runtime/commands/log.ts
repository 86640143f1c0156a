/**
 * Where messages of the OCI command line go: a line on standard error, and the file of `--log` in the format that
 * containerd, conmon and dockerd parse.
 */
import { appendFileSync, writeSync } from 'node:fs';
import { errnoCode } from '#base';

export type LogFormat = 'text' | 'json';
export type LogLevel = 'error' | 'warning' | 'debug';

export interface RuntimeLog {
  error(message: string): void;
  warn(message: string): void;
  debug(message: string): void;
}

export interface LogWishes {
  /** Default: standard error. */
  readonly file?: string;
  readonly format: LogFormat;
  readonly debug: boolean;
}

/** compat: with a file, errors are on standard error as plain text, too; warnings are not (runc). */
export function openLog({ file, format, debug }: LogWishes): RuntimeLog {
  const write = (level: LogLevel, message: string): void => {
    const line = formatLine(format, level, message, new Date());
    if (file === undefined) return writeAll(2, line);
    appendFileSync(file, line, { mode: 0o644 });
    if (level === 'error') writeAll(2, `${message}\n`);
  };
  return {
    error: (message) => write('error', message),
    warn: (message) => write('warning', message),
    debug: (message) => (debug ? write('debug', message) : undefined),
  };
}

/** compat: the fields and their order are logrus', which runc's callers expect. */
export function formatLine(format: LogFormat, level: LogLevel, message: string, now: Date): string {
  const time = `${now.toISOString().slice(0, 19)}Z`;
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time })}\n`;
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`;
}

/** All of it, also to a pipe whose other end has made it non-blocking. A reader that is gone is no reason to fail. */
export function writeAll(fd: number, text: string): void {
  const data = Buffer.from(text);
  for (let at = 0; at < data.length; ) {
    try {
      at += writeSync(fd, data, at);
    } catch (error) {
      if (errnoCode(error) === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      else if (errnoCode(error) === 'EPIPE' || errnoCode(error) === 'EBADF') return;
      else throw error;
    }
  }
}
