import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { filesync } from '#specs/buildkit';
import { GrpcClient, GrpcError, GrpcServer } from '#rpc/grpc';

/** How what was sent ended for who received it. */
async function ended({ closes }: { readonly closes: boolean }): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const server = new GrpcServer((error) => new GrpcError(2, String(error)));
  server.add(filesync.FileSend, {
    diffCopy: async function* (requests) {
      try {
        for await (const _ of requests) continue;
        resolve('whole');
      } catch (error) {
        resolve('broken off');
        throw error;
      }
      yield* [];
    },
  });
  const [near, far] = duplexPair();
  server.accept(far);
  using client = new GrpcClient(near);
  {
    using stream = client.open(filesync.FileSend.method.diffCopy);
    await stream.send({ data: Buffer.from('half') });
    if (closes) {
      stream.close();
      for await (const _ of stream.answers) continue;
    } else await new Promise((wait) => setTimeout(wait, 20));
  }
  return promise;
}

test('a stream that is broken off is no end of what was sent', { timeout: 5000 }, async () => {
  assert.equal(await ended({ closes: true }), 'whole');
  assert.equal(await ended({ closes: false }), 'broken off');
});

test('to who has gone nothing is sent, and nobody waits for it', { timeout: 5000 }, async () => {
  const [near, far] = duplexPair();
  const server = new GrpcServer((error) => new GrpcError(2, String(error)));
  server.accept(far);
  using client = new GrpcClient(near);
  using stream = client.open(filesync.FileSync.method.diffCopy);
  far.destroy();
  near.destroy();
  await client.closed;
  for (let turn = 0; turn < 3; turn++) await stream.send({ data: Buffer.alloc(1 << 20) });
  await assert.rejects(Array.fromAsync(stream.batches), GrpcError);
});
