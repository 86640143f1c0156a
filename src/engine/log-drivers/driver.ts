/**
 * What a log driver is: the options it takes, and where it sends lines.
 *
 * The shim writes every container's output to files; with a driver that sends lines elsewhere these are the cache that
 * `docker logs` reads, and what the shipper (shipper.ts) sends from. So a container never waits for a log server, and
 * nothing is lost while one is away, up to the size of the cache.
 */
import type { LogSettings } from '../container-settings.ts';

export type LogDriverName = LogSettings['driver'];
export type LogOptions = Readonly<Record<string, string>>;

export interface LogEntry {
  readonly stream: 'stdout' | 'stderr';
  /** Unix time in nanoseconds. */
  readonly timeNs: bigint;
  /** Without the newline at its end. */
  readonly text: string;
  /** Part of a line that is longer than the log keeps in one piece; the rest follows. */
  readonly isPartial: boolean;
}

/** Where lines go. One at a time sends; a failure is tried again from the first entry that was not sent. */
export interface LogSink extends AsyncDisposable {
  /** Resolves when they are out of our hands, as far as the protocol tells. */
  send(entries: readonly LogEntry[]): Promise<void>;
}

/** What of a container a driver may tell with its lines. */
export interface LogOrigin {
  readonly id: string;
  /** Without a slash. */
  readonly name: string;
  readonly imageId: string;
  readonly imageName: string;
  readonly command: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Of the host. */
  readonly hostname: string;
  /** The option `tag`, filled in. */
  readonly tag: string;
  /** Labels and variables the options chose. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Each text as one datagram to a unix socket, in order: Node has no such sockets. */
export type SendDatagrams = (path: string, texts: readonly string[]) => Promise<void>;

export interface LogDriver {
  /** Its own; those all drivers have come on top (options.ts). */
  readonly options: readonly string[];
  /** Options other drivers of that name have and this one refuses, and what to do instead. */
  readonly refused?: Readonly<Record<string, string>>;
  /** Throws `container.invalid` for a value that makes no sense. */
  check(options: LogOptions): void;
  /** Undefined for one whose lines stay in the files. Rejects when it cannot be reached. */
  readonly open?: (options: LogOptions, origin: LogOrigin, sendDatagrams: SendDatagrams) => Promise<LogSink>;
}
