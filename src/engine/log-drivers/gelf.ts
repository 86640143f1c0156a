/**
 * Log driver `gelf`: Graylog's extended log format 1.1 over UDP (compressed, in chunks where it is long) and TCP.
 *
 * compat: the fields Docker's driver sends.
 */
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import { errors } from '../errors.ts';
import type { LogDriver, LogEntry, LogOptions, LogOrigin } from './driver.ts';
import { type LogAddress, LogConnection, parseLogAddress } from './log-connection.ts';
import { UdpSender } from './udp-sender.ts';

/** Of a datagram: what passes networks in one piece, and GELF's own bounds of chunks. */
const CHUNK_BYTES = 1420;
const CHUNK_HEAD_BYTES = 12;
const MAX_CHUNKS = 128;
const compressors = { gzip: promisify(gzip), zlib: promisify(deflate) };

export const gelf: LogDriver = {
  options: ['gelf-address', 'gelf-compression-type', 'gelf-compression-level'],
  refused: {
    'gelf-tcp-max-reconnect': 'lines wait in the cache, and are sent when the server is back',
    'gelf-tcp-reconnect-delay': 'lines wait in the cache, and are sent when the server is back',
  },
  check: (options) => void settingsOf(options),
  open: async (options, origin) => {
    const { address, compression, level } = settingsOf(options);
    const message = (entry: LogEntry): Buffer => Buffer.from(JSON.stringify(messageOf(origin, entry)));
    if (address.kind === 'udp') {
      const udp = new UdpSender(address.host, address.port);
      const compress = async (bytes: Buffer): Promise<Buffer> =>
        compression === 'none' ? bytes : compressors[compression](bytes, { level });
      return {
        send: async (entries) => {
          for (const entry of entries) await udp.send(chunksOf(await compress(message(entry))));
        },
        [Symbol.asyncDispose]: async () => udp.close(),
      };
    }
    const connection = new LogConnection(address);
    await connection.connect();
    return {
      // A NUL ends each message.
      send: (entries) => connection.write(Buffer.concat(entries.flatMap((entry) => [message(entry), Buffer.alloc(1)]))),
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
  },
};

interface GelfSettings {
  readonly address: Extract<LogAddress, { readonly host: string }>;
  readonly compression: 'gzip' | 'zlib' | 'none';
  readonly level: number;
}

function settingsOf(options: LogOptions): GelfSettings {
  const text = options['gelf-address'] ?? '';
  const address = parseLogAddress(text, undefined);
  if (!/^(udp|tcp):/.test(text) || !address || !('host' in address)) {
    throw errors.invalid(`gelf: gelf-address should be udp://host:port or tcp://host:port, got '${text}'`);
  }
  for (const key of ['gelf-compression-type', 'gelf-compression-level']) {
    if (address.kind === 'tcp' && options[key] !== undefined) {
      throw errors.invalid(`compression is only supported on UDP: ${key} cannot be used with ${text}`);
    }
  }
  const type = options['gelf-compression-type'] ?? 'gzip';
  if (type !== 'gzip' && type !== 'zlib' && type !== 'none') {
    throw errors.invalid(`gelf: invalid compression type: '${type}': use gzip, zlib or none`);
  }
  const level = Number(options['gelf-compression-level'] ?? '1');
  if (!Number.isInteger(level) || level < -1 || level > 9) {
    throw errors.invalid(`gelf: invalid compression level: '${options['gelf-compression-level']}': use -1 to 9`);
  }
  return { address, compression: type, level };
}

function messageOf(origin: LogOrigin, { stream, timeNs, text, isPartial }: LogEntry): object {
  return {
    version: '1.1',
    host: origin.hostname,
    short_message: text,
    timestamp: Number(timeNs / 1_000_000n) / 1000,
    level: stream === 'stderr' ? 3 : 6,
    _container_id: origin.id,
    _container_name: origin.name,
    _image_id: origin.imageId,
    _image_name: origin.imageName,
    _command: origin.command,
    _tag: origin.tag,
    _created: origin.createdAt,
    ...(isPartial ? { _partial_message: true } : {}),
    ...Object.fromEntries(Object.entries(origin.attributes).map(([key, value]) => [`_${key}`, value])),
  };
}

/** The whole in one datagram, or with GELF's heads. What would need more chunks than there can be is left out. */
function chunksOf(bytes: Buffer): Buffer[] {
  if (bytes.length <= CHUNK_BYTES) return [bytes];
  const room = CHUNK_BYTES - CHUNK_HEAD_BYTES;
  const count = Math.ceil(bytes.length / room);
  if (count > MAX_CHUNKS) return [];
  const id = randomBytes(8);
  return Array.from({ length: count }, (_, index) =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f]),
      id,
      Buffer.from([index, count]),
      bytes.subarray(index * room, (index + 1) * room),
    ]),
  );
}
