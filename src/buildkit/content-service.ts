/** containerd.services.content.v1.Content: reading what the history of builds has of them. */
import { createReadStream, statSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { parseDigest } from '#base';
import type { BuildHistory } from '#build';
import { type GrpcHandler, serverStreaming, unary } from '#rpc/grpc';
import { content } from '#specs/buildkit';
import { errors } from './errors.ts';

const PIECE_BYTES = 1024 * 1024;

export function contentHandlers(history: BuildHistory): Record<string, GrpcHandler> {
  const { method } = content.Content;
  const pathOf = (text: string): string => {
    const digest = parseDigest(text);
    const path = digest && history.pathOf(digest);
    if (path === undefined) throw errors.noContent(text);
    return path;
  };
  return {
    info: unary(method.info, async ({ digest }) => {
      const { size } = statSync(pathOf(digest));
      return create(content.InfoResponseSchema, { info: { digest, size: BigInt(size) } });
    }),
    read: serverStreaming(method.read, async function* ({ digest, offset, size }) {
      const start = Number(offset);
      const end = size > 0n ? { end: start + Number(size) - 1 } : {};
      let at = offset;
      for await (const chunk of createReadStream(pathOf(digest), { start, highWaterMark: PIECE_BYTES, ...end })) {
        const data = new Uint8Array(chunk as Buffer);
        yield create(content.ReadContentResponseSchema, { offset: at, data });
        at += BigInt(data.length);
      }
    }),
  };
}
