/** Messages over TCP: each has its length, two bytes, in front. spec: RFC 1035, 4.2.2. */
import type { Socket } from 'node:net';

export function lengthPrefixed(message: Buffer): Buffer {
  const framed = Buffer.alloc(2 + message.length);
  framed.writeUInt16BE(message.length, 0);
  framed.set(message, 2);
  return framed;
}

/** Calls `take` for each whole message. No more than one message is kept. */
export function readLengthPrefixed(socket: Socket, take: (message: Buffer) => void): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    while (pending.length >= 2) {
      const end = 2 + pending.readUInt16BE(0);
      if (pending.length < end) return;
      take(pending.subarray(2, end));
      pending = pending.subarray(end);
    }
  });
}
