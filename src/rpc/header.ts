/** Headers of requests. */
import type { Incoming } from './exchange.ts';

/** The value of a header that makes sense once; the first where it is repeated. The name is in lower case. */
export function header(request: Pick<Incoming, 'headers'>, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
