/** Headers of requests. */
import type { IncomingMessage } from 'node:http';

/** The value of a header that makes sense once; the first where it is repeated. The name is in lower case. */
export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
