/** Kinds of errors → HTTP status, and the answer a failed request gets. */
import { causeChain, type ErrorKind, type Log, messageOf, SkiffError } from '#base';
import type { Outgoing } from '#rpc';

export const httpStatus: Readonly<Record<ErrorKind, number>> = {
  'not-found': 404,
  invalid: 400,
  conflict: 409,
  'not-modified': 304,
  unauthorized: 401,
  forbidden: 403,
  unavailable: 503,
  'not-implemented': 501,
  cancelled: 499,
  deadline: 504,
  internal: 500,
};

/** compat: `{"message": …}`; 304 has no body. What is no refusal of ours is logged with its causes. */
export function sendError(response: Outgoing, thrown: unknown, log: Log): void {
  const kind = thrown instanceof SkiffError ? thrown.kind : 'internal';
  const status = httpStatus[kind];
  if (response.destroyed) {
    log.debug('the client went away', { error: causeChain(thrown) });
    return;
  }
  if (kind === 'internal') log.error('request failed', { error: causeChain(thrown) });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (status === 304) {
    response.writeHead(304).end();
    return;
  }
  sendJson(response, status, { message: messageOf(thrown) });
}

export function sendJson(response: Outgoing, status: number, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

export function sendNothing(response: Outgoing, status: 200 | 201 | 204): void {
  response.writeHead(status, status === 204 ? {} : { 'Content-Length': 0 });
  response.end();
}
