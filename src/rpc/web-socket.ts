/** A connection as a WebSocket: what the client's messages hold comes out of it, what is written becomes messages. */
import { hash } from 'node:crypto';
import { Duplex } from 'node:stream';
import { opcodes, webSocketFrame, WebSocketReader } from '#wire';

/** spec: RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The server's part of the handshake for a client's `Sec-WebSocket-Key`. */
export function webSocketAccept(key: string): string {
  return hash('sha1', key + GUID, 'base64');
}

/** `isText`: messages are marked as text, which they need not be. Ends with the connection. */
export function webSocketStream(socket: Duplex, isText: boolean): Duplex {
  const reader = new WebSocketReader();
  const opcode = isText ? opcodes.text : opcodes.binary;
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(webSocketFrame(opcode, chunk), done),
    final: (done) => {
      // 1000: it is all as it should be.
      socket.end(webSocketFrame(opcodes.close, Buffer.of(0x03, 0xe8)));
      done();
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    stream.push(null);
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const event of reader.push(chunk)) {
        if (isOver) return;
        if (event.kind === 'close') over();
        else if (event.kind === 'ping') socket.write(webSocketFrame(opcodes.pong, event.bytes));
        else if (!stream.push(event.bytes)) socket.pause();
      }
    } catch {
      // 1002: a violation of the protocol; nothing more can be understood.
      socket.end(webSocketFrame(opcodes.close, Buffer.of(0x03, 0xea)));
      over();
    }
  });
  socket.on('end', over);
  socket.on('error', () => stream.destroy());
  socket.on('close', () => stream.destroy());
  return stream;
}
