/** Bodies of requests. */
import { SkiffError } from '#base';
import type { Incoming } from './exchange.ts';
import { header } from './header.ts';

const LARGEST_JSON = 16 * 1024 * 1024;

/**
 * The body as JSON; undefined when there is none. Throws `invalid`, also where its type says otherwise: a web page can make
 * a browser send other types to a daemon that listens on this machine, but not JSON.
 */
export async function readJson(request: Incoming): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_JSON) throw new SkiffError('invalid', 'rpc.tooLarge', 'http: request body too large');
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  const text = Buffer.concat(chunks).toString('utf8');
  if (text.trim() === '') return undefined;
  checkType(header(request, 'content-type') ?? '');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SkiffError(
      'invalid',
      'rpc.json',
      `invalid JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** compat: the words are Docker's. */
function checkType(type: string): void {
  if (type.split(';', 1)[0]!.trim().toLowerCase() === 'application/json') return;
  const why = type === '' ? 'malformed Content-Type header ()' : `unsupported Content-Type header (${type})`;
  throw new SkiffError('invalid', 'rpc.contentType', `${why}: must be 'application/json'`);
}
