/** The answer that is a blob or a part of one, wherever its bytes come from. */
import { Readable } from 'node:stream';
import type { Digest } from '#base';
import type { Outgoing, RequestContext } from '#rpc';
import { isUnchanged, sendNothing, sendStream } from './answers.ts';
import { errors } from './errors.ts';
import { parseRange, type Span } from './ranges.ts';

/** A year: what has a digest never changes. */
const CACHED = 'max-age=31536000';

/** Answers with what the request asks for; `open` gives the bytes. Throws `distribution.rangeUnsatisfiable`. */
export async function sendBlob(
  context: RequestContext,
  digest: Digest,
  sizeBytes: number,
  open: (span: Span) => AsyncIterable<Buffer>,
): Promise<void> {
  const span = beginBlob(context, digest, sizeBytes);
  if (!span) return;
  const { request, response } = context;
  if (request.method === 'HEAD' || span.start > span.end) {
    response.end();
    return;
  }
  // The bytes may take a while to come, the client has use for their number now.
  response.flushHeaders();
  await sendStream(response, Readable.from(open(span), { objectMode: false }));
}

/**
 * Writes the head of a blob's answer; gives the part to send, undefined when the answer is complete. Throws
 * `distribution.rangeUnsatisfiable`.
 */
function beginBlob({ request, response }: RequestContext, digest: Digest, sizeBytes: number): Span | undefined {
  describe(response, digest);
  if (isUnchanged(request, digest)) {
    sendNothing(response, 304);
    return undefined;
  }
  const ifRange = request.headers['if-range'];
  const wish = ifRange === undefined || ifRange === `"${digest}"` ? request.headers.range : undefined;
  const range = parseRange(wish, sizeBytes);
  if (range === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${sizeBytes}`);
    throw errors.rangeUnsatisfiable(request.headers.range ?? '', sizeBytes);
  }
  const span = range ?? { start: 0, end: sizeBytes - 1 };
  response.writeHead(range ? 206 : 200, {
    'Content-Length': span.end - span.start + 1,
    ...(range ? { 'Content-Range': `bytes ${span.start}-${span.end}/${sizeBytes}` } : {}),
  });
  return span;
}

function describe(response: Outgoing, digest: Digest): void {
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Cache-Control', CACHED);
  response.setHeader('Docker-Content-Digest', digest);
  response.setHeader('ETag', `"${digest}"`);
}
