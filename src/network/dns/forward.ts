/** Questions nobody here can answer, passed on to other servers and their answers passed back, as they are. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { type DnsQuery, isAnswerTo } from '#wire';
import { familyOf } from '../cidr.ts';
import { lengthPrefixed, readLengthPrefixed } from './framing.ts';

const PATIENCE_MS = 4000;
const PORT = 53;
/** compat: dockerd's bound on questions under way. */
const MOST_AT_ONCE = 1024;

export class Forwarder {
  #underWay = 0;

  /** The answer of the first server that gives one, under the question's own id; undefined when none does. */
  async ask(
    query: DnsQuery,
    message: Buffer,
    servers: readonly string[],
    by: 'udp' | 'tcp',
  ): Promise<Buffer | undefined> {
    if (this.#underWay >= MOST_AT_ONCE) return undefined;
    this.#underWay += 1;
    try {
      for (const server of servers) {
        const answer = await (by === 'udp' ? askByUdp : askByTcp)(query, message, server);
        if (answer) {
          answer.writeUInt16BE(query.id, 0);
          return answer;
        }
      }
      return undefined;
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** A port and an id that cannot be guessed: an answer of somebody else is not taken. */
function askByUdp(query: DnsQuery, message: Buffer, server: string): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const socket = createSocket(familyOf(server) === 4 ? 'udp4' : 'udp6');
  const { id, bytes } = underAnotherId(message);
  let isOpen = true;
  const end = (answer?: Buffer): void => {
    clearTimeout(timer);
    if (isOpen) socket.close();
    isOpen = false;
    resolve(answer);
  };
  const timer = setTimeout(end, PATIENCE_MS);
  socket.on('error', () => end());
  socket.on('message', (answer) => {
    if (isAnswerTo(answer, id, query.question)) end(answer);
  });
  // Connected, so that nobody else's packets arrive and an unreachable port is told.
  socket.once('connect', () => socket.send(bytes));
  socket.connect(PORT, server);
  return promise;
}

function askByTcp(query: DnsQuery, message: Buffer, server: string): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const { id, bytes } = underAnotherId(message);
  const socket = connect({ host: server, port: PORT, timeout: PATIENCE_MS });
  const end = (answer?: Buffer): void => {
    socket.destroy();
    resolve(answer);
  };
  socket.once('connect', () => socket.write(lengthPrefixed(bytes)));
  socket.once('timeout', () => end());
  socket.on('error', () => end());
  socket.once('close', () => end());
  readLengthPrefixed(socket, (answer) => {
    if (isAnswerTo(answer, id, query.question)) end(answer);
  });
  return promise;
}

function underAnotherId(message: Buffer): { readonly id: number; readonly bytes: Buffer } {
  const id = randomInt(0x10000);
  const bytes = Buffer.from(message);
  bytes.writeUInt16BE(id, 0);
  return { id, bytes };
}
