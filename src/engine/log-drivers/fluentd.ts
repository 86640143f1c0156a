/**
 * Log driver `fluentd`: Fluentd's forward protocol, message mode, over TCP, TLS or a unix socket.
 *
 * compat: record and options as Docker's driver. spec: github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
 */
import { randomUUID } from 'node:crypto';
import { decodeMessagePack, encodeMessagePack, eventTime, type MessagePackValue } from '#wire';
import { errors } from '../errors.ts';
import type { LogDriver, LogEntry, LogOptions, LogOrigin, LogSink } from './driver.ts';
import { isYes } from './flag.ts';
import { type LogAddress, LogConnection, parseLogAddress } from './log-connection.ts';

const PORT = 24_224;
const ACK_MS = 10_000;
const WAITS = 'lines wait in the cache (cache-max-size), and are sent when the server is back';

export const fluentd: LogDriver = {
  options: ['fluentd-address', 'fluentd-async', 'fluentd-request-ack', 'fluentd-sub-second-precision'],
  refused: {
    'fluentd-buffer-limit': WAITS,
    'fluentd-max-retries': WAITS,
    'fluentd-retry-wait': WAITS,
    'fluentd-async-reconnect-interval': WAITS,
    'fluentd-async-connect': 'use fluentd-async',
  },
  check: (options) => void settingsOf(options),
  open: async (options, origin) => {
    const settings = settingsOf(options);
    const connection = new LogConnection(settings.address);
    // compat: a container starts only when the server can be reached, unless told otherwise.
    if (!settings.isAsync) await connection.connect();
    return new FluentdSink(connection, settings, origin);
  },
};

interface FluentdSettings {
  readonly address: LogAddress;
  readonly isAsync: boolean;
  readonly wantsAck: boolean;
  readonly isPrecise: boolean;
}

function settingsOf(options: LogOptions): FluentdSettings {
  const text = options['fluentd-address'] ?? '127.0.0.1';
  const address = parseLogAddress(text, PORT);
  if (!address || address.kind === 'udp' || address.kind === 'unixgram') {
    throw errors.invalid(`invalid fluentd-address (${text}): use host:port, tcp://…, tls://… or unix:///path`);
  }
  return {
    address,
    isAsync: isYes('fluentd-async', options['fluentd-async']),
    wantsAck: isYes('fluentd-request-ack', options['fluentd-request-ack']),
    isPrecise: isYes('fluentd-sub-second-precision', options['fluentd-sub-second-precision']),
  };
}

class FluentdSink implements LogSink {
  readonly #connection: LogConnection;
  readonly #settings: FluentdSettings;
  readonly #origin: LogOrigin;

  constructor(connection: LogConnection, settings: FluentdSettings, origin: LogOrigin) {
    this.#connection = connection;
    this.#settings = settings;
    this.#origin = origin;
  }

  async send(entries: readonly LogEntry[]): Promise<void> {
    if (!this.#settings.wantsAck) {
      await this.#connection.write(Buffer.concat(entries.map((entry) => this.#encode(entry, null))));
      return;
    }
    const chunks = entries.map(() => randomUUID());
    const acknowledged = await this.#acknowledgements(chunks);
    try {
      await this.#connection.write(
        Buffer.concat(entries.map((entry, index) => this.#encode(entry, { chunk: chunks[index]! }))),
      );
      await acknowledged.all;
    } finally {
      acknowledged.stop();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection[Symbol.asyncDispose]();
  }

  #encode({ stream, timeNs, text, isPartial }: LogEntry, option: { readonly chunk: string } | null): Buffer {
    const { id, name, tag, attributes } = this.#origin;
    const record = {
      container_id: id,
      container_name: `/${name}`,
      source: stream,
      log: text,
      ...(isPartial ? { partial_message: 'true' } : {}),
      ...attributes,
    };
    const time = this.#settings.isPrecise ? eventTime(timeNs) : Number(timeNs / 1_000_000_000n);
    return encodeMessagePack([tag, time, record, option]);
  }

  /** Listens before anything is sent, so that no answer is missed. */
  async #acknowledgements(chunks: readonly string[]): Promise<{ readonly all: Promise<void>; stop(): void }> {
    const socket = await this.#connection.connect();
    const open = new Set(chunks);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {});
    let rest: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      rest = Buffer.concat([rest, chunk]);
      try {
        for (let found = decodeMessagePack(rest); found; found = decodeMessagePack(rest)) {
          rest = rest.subarray(found.length);
          open.delete(ackOf(found.value));
        }
      } catch (error) {
        reject(error);
      }
      if (open.size === 0) resolve();
    };
    const onClose = (): void => reject(new Error('fluentd closed the connection before it acknowledged'));
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`fluentd did not acknowledge within ${ACK_MS} ms`));
    }, ACK_MS);
    socket.on('data', onData).once('close', onClose);
    return {
      all: promise,
      stop: () => {
        clearTimeout(timer);
        socket.off('data', onData).off('close', onClose);
      },
    };
  }
}

function ackOf(value: MessagePackValue): string {
  const ack = typeof value === 'object' && value !== null && 'ack' in value ? value['ack'] : undefined;
  if (typeof ack !== 'string') throw new Error('fluentd answered something else than an acknowledgement');
  return ack;
}
