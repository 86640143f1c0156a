/**
 * Log driver `syslog`: RFC 3164 and RFC 5424 over UDP, TCP, TLS, and unix sockets; by default to the host's own.
 *
 * compat: option names, formats and priorities as Docker's driver: stdout is info, stderr is error.
 */
import { existsSync } from 'node:fs';
import { errors } from '../errors.ts';
import type { LogDriver, LogEntry, LogOptions, LogOrigin } from './driver.ts';
import { type LogAddress, LogConnection, type LogTls, parseLogAddress } from './log-connection.ts';
import { isYes } from './flag.ts';
import { UdpSender } from './udp-sender.ts';

/** RFC 5424, table 1. */
const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...['', '', '', '', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
];
const PORT = 514;
const TLS_PORT = 6514;
/** Where hosts listen, in the order they are tried. */
const LOCAL_SOCKETS = ['/dev/log', '/var/run/syslog', '/var/run/log'];
const FORMATS = ['', 'rfc3164', 'rfc5424', 'rfc5424micro'] as const;
type Format = (typeof FORMATS)[number];

export const syslog: LogDriver = {
  options: [
    ...[
      'syslog-address',
      'syslog-facility',
      'syslog-format',
      'syslog-tls-ca-cert',
      'syslog-tls-cert',
      'syslog-tls-key',
    ],
    'syslog-tls-skip-verify',
  ],
  check: (options) => void settingsOf(options),
  open: async (options, origin, sendDatagrams) => {
    const settings = settingsOf(options);
    const { address } = settings;
    const format = (entry: LogEntry): string => formatMessage(settings, origin, entry);
    if (!address || address.kind === 'unixgram') {
      const path = address?.kind === 'unixgram' ? address.path : localSocket();
      return { send: (entries) => sendDatagrams(path, entries.map(format)), [Symbol.asyncDispose]: async () => {} };
    }
    if (address.kind === 'udp') {
      const udp = new UdpSender(address.host, address.port);
      return {
        send: (entries) => udp.send(entries.map((entry) => Buffer.from(`${format(entry)}\n`))),
        [Symbol.asyncDispose]: async () => udp.close(),
      };
    }
    const connection = new LogConnection(address, settings.tls);
    await connection.connect();
    const framed = (entry: LogEntry): string => frame(settings, format(entry));
    return {
      send: (entries) => connection.write(Buffer.from(entries.map(framed).join(''))),
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
  },
};

interface SyslogSettings {
  /** Undefined: the host's own. */
  readonly address: LogAddress | undefined;
  readonly facility: number;
  readonly format: Format;
  readonly tls: LogTls;
}

function settingsOf(options: LogOptions): SyslogSettings {
  const { 'syslog-address': text = '', 'syslog-format': format = '' } = options;
  const address = text === '' ? undefined : parseLogAddress(text, text.startsWith('tcp+tls') ? TLS_PORT : PORT);
  if (text !== '' && !address) {
    throw errors.invalid(`syslog-address should be in form proto://address, got ${text}`);
  }
  const found = FORMATS.find((each) => each === format);
  if (found === undefined)
    throw errors.invalid(`Invalid syslog format '${format}': use ${FORMATS.slice(1).join(', ')}`);
  const tls = {
    ca: options['syslog-tls-ca-cert'] ?? '',
    certificate: options['syslog-tls-cert'] ?? '',
    key: options['syslog-tls-key'] ?? '',
    skipVerify: isYes('syslog-tls-skip-verify', options['syslog-tls-skip-verify']),
  };
  if ((tls.certificate === '') !== (tls.key === '')) {
    throw errors.invalid('log opts syslog-tls-cert and syslog-tls-key go together: one of them is missing');
  }
  return { address, facility: facilityOf(options['syslog-facility'] ?? 'daemon'), format: found, tls };
}

function facilityOf(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : FACILITIES.indexOf(text);
  if (text === '' || number < 0 || number > 23) throw errors.invalid(`invalid syslog facility: ${text}`);
  return number;
}

function localSocket(): string {
  const found = LOCAL_SOCKETS.find((path) => existsSync(path));
  if (found === undefined) {
    throw new Error(
      `Unix syslog delivery error: no syslog listens at ${LOCAL_SOCKETS.join(', ')}: give syslog-address`,
    );
  }
  return found;
}

/** One message without its end. `procId` is the daemon's, as Docker's. */
function formatMessage({ facility, format }: SyslogSettings, { hostname, tag }: LogOrigin, entry: LogEntry): string {
  const priority = facility * 8 + (entry.stream === 'stderr' ? 3 : 6);
  const { pid } = process;
  const date = new Date(Number(entry.timeNs / 1_000_000n));
  if (format === 'rfc5424' || format === 'rfc5424micro') {
    const time = isoTime(date, format === 'rfc5424' ? 0n : entry.timeNs);
    return `<${priority}>1 ${time} ${hostname} ${tag} ${pid} ${tag} - ${entry.text}`;
  }
  const host = format === 'rfc3164' ? `${hostname} ` : '';
  return `<${priority}>${stamp(date)} ${host}${tag}[${pid}]: ${entry.text}`;
}

/** `Jan _2 15:04:05` in the host's time zone (RFC 3164, 4.1.2). */
function stamp(date: Date): string {
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][date.getMonth()]!;
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${month} ${String(date.getDate()).padStart(2, ' ')} ${time}`;
}

/** RFC 3339 in UTC, with microseconds where the nanoseconds are given. */
function isoTime(date: Date, timeNs: bigint): string {
  const seconds = date.toISOString().slice(0, 19);
  if (timeNs === 0n) return `${seconds}Z`;
  return `${seconds}.${String((timeNs % 1_000_000_000n) / 1000n).padStart(6, '0')}Z`;
}

/** RFC 6587: by newline; with TLS and RFC 5424 by a count of bytes in front (RFC 5425). */
function frame({ address, format }: SyslogSettings, message: string): string {
  const line = `${message}\n`;
  if (address?.kind !== 'tls' || !format.startsWith('rfc5424')) return line;
  return `${Buffer.byteLength(line)} ${line}`;
}
