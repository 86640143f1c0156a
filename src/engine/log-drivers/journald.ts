/**
 * Log driver `journald`: the host's journal, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).
 *
 * compat: the fields Docker's driver sets. `docker logs` reads our files, not the journal.
 */
import { existsSync } from 'node:fs';
import type { LogDriver, LogEntry, LogOrigin } from './driver.ts';

const SOCKET = '/run/systemd/journal/socket';

export const journald: LogDriver = {
  options: [],
  check: () => {},
  open: async (_options, origin, sendDatagrams) => {
    if (!existsSync(SOCKET)) throw new Error(`journald is not enabled on this host: there is no ${SOCKET}`);
    return {
      send: (entries) =>
        sendDatagrams(
          SOCKET,
          entries.map((entry) => messageOf(origin, entry)),
        ),
      [Symbol.asyncDispose]: async () => {},
    };
  },
};

/** `KEY=value` lines. No value has a newline, which would need another form. */
function messageOf(origin: LogOrigin, { stream, text, isPartial, timeNs }: LogEntry): string {
  const fields: Record<string, string> = {
    MESSAGE: text,
    PRIORITY: stream === 'stderr' ? '3' : '6',
    CONTAINER_ID: origin.id.slice(0, 12),
    CONTAINER_ID_FULL: origin.id,
    CONTAINER_NAME: origin.name,
    CONTAINER_TAG: origin.tag,
    SYSLOG_IDENTIFIER: origin.tag,
    IMAGE_NAME: origin.imageName,
    SYSLOG_TIMESTAMP: new Date(Number(timeNs / 1_000_000n)).toISOString(),
    ...(isPartial ? { CONTAINER_PARTIAL_MESSAGE: 'true' } : {}),
    ...Object.fromEntries(Object.entries(origin.attributes).map(([key, value]) => [fieldName(key), value])),
  };
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${value.replaceAll('\n', ' ')}\n`)
    .join('');
}

/** What the journal takes as a field: capitals, digits and underscores, none in front. */
function fieldName(key: string): string {
  return key
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '_')
    .replace(/^_+/, '');
}
