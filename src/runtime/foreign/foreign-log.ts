/** What a runtime says of its failures: the JSON lines of `--log FILE --log-format json`. Bytes of a stranger's program. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The end of a log is enough: the last words are why it gave up. */
const READ_BYTES = 64 * 1024;
/** Of one message, for an error somebody is to read. */
const MESSAGE_CHARACTERS = 4096;

/** The last error in the text of a log; undefined where there is none. Lines that are no JSON objects are passed over. */
export function lastError(text: string): string | undefined {
  for (const line of text.split('\n').reverse()) {
    const { level, msg } = objectIn(line);
    if (typeof msg !== 'string' || msg === '' || !isError(level)) continue;
    return msg.slice(0, MESSAGE_CHARACTERS).trim();
  }
  return undefined;
}

/** The same of a file; undefined too when it cannot be read. */
export function lastErrorIn(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, READ_BYTES));
    const length = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return lastError(buffer.toString('utf8', 0, length));
  } finally {
    closeSync(file);
  }
}

function isError(level: unknown): boolean {
  return level === 'error' || level === 'fatal' || level === 'panic';
}

function objectIn(line: string): Readonly<Record<string, unknown>> {
  if (!line.startsWith('{')) return {};
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}
