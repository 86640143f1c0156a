/** Answers that say no: the registry's errors, in the words Docker's client makes of them. Pure. */
import { isObject } from '#specs';
import { RegistryRefusal } from '../errors.ts';
import { parseChallenges } from './challenge.ts';
import { parseRetryAfter } from './headers.ts';

export interface RefusedAnswer {
  readonly status: number;
  /** `Service Unavailable`. */
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As much of it as was read. */
  readonly body: string;
}

interface OneError {
  readonly code: string;
  readonly message: string;
}

const MAX_SHOWN = 512;

/** compat: distribution's HandleErrorResponse and errcode. */
export function refusalOf(answer: RefusedAnswer, nowMs: number): RegistryRefusal {
  const { status, headers } = answer;
  const [registryCode, message] = describe(answer);
  const retryAfterMs = parseRetryAfter(oneOf(headers['retry-after']), nowMs);
  return new RegistryRefusal({
    status,
    registryCode,
    message: status === 429 ? message + limits(headers, retryAfterMs) : message,
    retryAfterMs,
  });
}

function describe(answer: RefusedAnswer): [code: string, message: string] {
  const { status, statusText, body } = answer;
  // compat: a token that does not suffice is a refusal, not a call to log in, whatever the body says.
  const denied = parseChallenges(oneOf(answer.headers['www-authenticate']) ?? '').find(
    ({ parameters }) => parameters.get('error') === 'insufficient_scope',
  );
  if (denied) {
    const description = denied.parameters.get('error_description')?.slice(0, MAX_SHOWN);
    return ['DENIED', `denied: ${description || 'requested access to the resource is denied'}`];
  }
  const found = readErrors(body, status);
  const [first] = found;
  if (first)
    return [first.code, found.length === 1 ? errorText(first) : `errors:\n${found.map(errorText).join('\n')}\n`];
  if (status === 401) return ['UNAUTHORIZED', 'unauthorized: authentication required'];
  if (status === 403) return ['DENIED', `denied: ${firstLine(body) || 'requested access to the resource is denied'}`];
  if (status === 429) return ['TOOMANYREQUESTS', `toomanyrequests: ${firstLine(body) || 'too many requests'}`];
  if (status >= 500 || body.trim() === '') {
    return ['', `received unexpected HTTP status: ${status} ${statusText}`.trimEnd()];
  }
  return ['', `error parsing HTTP ${status} response body: ${JSON.stringify(body.slice(0, MAX_SHOWN))}`];
}

/** compat: `MANIFEST_UNKNOWN` with its message is `manifest unknown: manifest unknown`. */
function errorText({ code, message }: OneError): string {
  const name = code.toLowerCase().replaceAll('_', ' ');
  return message === '' ? name : `${name}: ${message}`;
}

function readErrors(body: string, status: number): OneError[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return [];
  }
  if (!isObject(value)) return [];
  // compat: token servers answer with `details` alone.
  const { details, errors } = value;
  if (typeof details === 'string' && details !== '') {
    const code = { 401: 'UNAUTHORIZED', 403: 'DENIED', 429: 'TOOMANYREQUESTS' }[status] ?? 'UNKNOWN';
    return [{ code, message: details }];
  }
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, 16).flatMap((each: unknown) => {
    if (!isObject(each) || typeof each['code'] !== 'string' || each['code'] === '') return [];
    const message = typeof each['message'] === 'string' ? each['message'] : '';
    return [{ code: each['code'].slice(0, 64), message: message.slice(0, MAX_SHOWN) }];
  });
}

/** What is known of the limit and its end: ` (limit 100 per 6h, 0 left; try again in 5m)`. */
function limits(headers: RefusedAnswer['headers'], retryAfterMs: number | undefined): string {
  const limit = /^(\d+)(?:;w=(\d+))?/.exec(oneOf(headers['ratelimit-limit']) ?? '');
  const reset = /^(\d{1,10})$/.exec(oneOf(headers['ratelimit-reset']) ?? '');
  const waitMs = retryAfterMs ?? (reset ? Number(reset[1]) * 1000 : undefined);
  const parts = [
    limit ? `the limit is ${limit[1]} requests${limit[2] ? ` in ${duration(Number(limit[2]) * 1000)}` : ''}` : '',
    waitMs === undefined ? '' : `try again in ${duration(waitMs)}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}

/** `6h`, `2m30s`, `45s`. */
function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  const shown = parts.filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount}${unit}`);
  return shown.length === 0 ? '0s' : shown.join('');
}

const firstLine = (text: string): string => text.trim().split('\n')[0]!.slice(0, MAX_SHOWN);

const oneOf = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'object' ? value[0] : value;
