import assert from 'node:assert/strict';
import { type Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { decodeGrpcText, encodeGrpcMessage, encodeGrpcText, GrpcError, readGrpcMessages } from './grpc-message.ts';

async function read(bytes: Buffer, pieceBytes: number, maxBytes = 1000): Promise<string[]> {
  const stream: Duplex = new PassThrough();
  for (let at = 0; at < bytes.length; at += pieceBytes) stream.write(bytes.subarray(at, at + pieceBytes));
  stream.end();
  const found: string[] = [];
  for await (const messages of readGrpcMessages(stream, maxBytes)) found.push(...messages.map(String));
  return found;
}

const two = Buffer.concat([encodeGrpcMessage(Buffer.from('one')), encodeGrpcMessage(Buffer.from(''))]);

test('messages are found in any pieces', async () => {
  for (let size = 1; size <= two.length; size++) assert.deepEqual(await read(two, size), ['one', '']);
});

test('what is cut off, compressed or too long is refused', async () => {
  const refused = (bytes: Buffer, code: number) =>
    assert.rejects(read(bytes, 3, 10), (error) => error instanceof GrpcError && error.code === code);
  await refused(two.subarray(0, 6), 13);
  await refused(Buffer.from([1, 0, 0, 0, 0]), 12);
  await refused(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), 8);
});

test('damaged streams are read or refused, with no other error', async () => {
  let state = 42;
  const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  for (let turn = 0; turn < 300; turn++) {
    const bytes = Buffer.from(two);
    bytes[random(bytes.length)] = random(256);
    await read(bytes.subarray(0, random(bytes.length + 1)), 1 + random(9)).catch((error: unknown) =>
      assert.ok(error instanceof GrpcError, String(error)),
    );
  }
});

test('texts of statuses survive', () => {
  for (const text of ['plain', 'ä 100 %\n', '']) assert.equal(decodeGrpcText(encodeGrpcText(text)), text);
});
