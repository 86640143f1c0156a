/** Connections that failed, in Go's words, which people search the web for; and whether trying again may help. */
import { because, errnoCode, messageOf, SkiffError } from '#base';
import { errors, RegistryRefusal } from '../errors.ts';
import { ProxyFailure } from './tunnel-agent.ts';

/** `Get "https://host/v2/"`, as Go's HTTP client begins. A query may hold secrets of a storage service: it is left out. */
export function requestName(method: string, url: URL): string {
  const shown = `${url.origin}${url.pathname}`;
  return `${method[0]}${method.slice(1).toLowerCase()} "${shown}"`;
}

/** What Node reports of a request, as `registry.unreachable` or `registry.broken`. */
export function connectionFailure(thrown: unknown, method: string, url: URL): SkiffError {
  if (thrown instanceof SkiffError) return thrown;
  const what = requestName(method, url);
  if (thrown instanceof ProxyFailure) return proxyFailure(thrown, what);
  // Several addresses were tried: each failed, and the first says it as well as any.
  const error: unknown = thrown instanceof AggregateError ? (thrown.errors[0] ?? thrown) : thrown;
  const code = errnoCode(error) ?? '';
  const hint = unknownIssuer.has(code)
    ? ` (put its CA in /etc/docker/certs.d/${url.host}/ca.crt, or allow ${url.host} with --insecure-registry)`
    : '';
  const reason = goReason(error, code, url) + hint;
  const isTransient = transientCodes.has(code) || code === '';
  return because(isTransient ? errors.broken(what, reason) : errors.unreachable(what, reason), thrown);
}

/** compat: Go names the step, and a proxy that refused is quoted by its status. */
function proxyFailure(failure: ProxyFailure, what: string): SkiffError {
  const code = errnoCode(failure.cause) ?? '';
  const reason =
    code === '' ? messageOf(failure.cause) : `proxyconnect tcp: ${goReason(failure.cause, code, failure.proxy)}`;
  const isTransient = transientCodes.has(code);
  return because(isTransient ? errors.broken(what, reason) : errors.unreachable(what, reason), failure);
}

/** Whether the same request may work a moment later. Names that do not exist and closed ports are told at once. */
const transientCodes: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_INVALID_CONSTANT',
  'ENETRESET',
  'ECONNABORTED',
]);

export function isTransient(error: unknown): boolean {
  if (error instanceof RegistryRefusal) {
    if (error.status === 429) return error.retryAfterMs !== undefined;
    return error.status === 408 || (error.status >= 500 && error.status !== 501 && error.status !== 505);
  }
  const codes = [
    'registry.unexpectedStatus',
    'registry.broken',
    'registry.stalled',
    'registry.truncated',
    'registry.uploadLost',
  ];
  return error instanceof SkiffError && codes.includes(error.code);
}

function goReason(error: unknown, code: string, url: URL): string {
  const { address, port } = (error ?? {}) as { address?: string; port?: number };
  const where = address === undefined ? url.host : `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const known = connectReasons[code];
  if (known) return `dial tcp ${where}: ${known}`;
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${url.hostname}: no such host`;
  if (code === 'EAI_AGAIN') return `dial tcp: lookup ${url.hostname}: Temporary failure in name resolution`;
  if (code === 'ECONNRESET') return messageOf(error) === 'socket hang up' ? 'EOF' : 'read: connection reset by peer';
  if (code === 'EPIPE') return 'write: broken pipe';
  if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return /wrong version number|packet length/i.test(messageOf(error))
      ? 'http: server gave HTTP response to HTTPS client'
      : `remote error: tls: ${messageOf(error)}`;
  }
  if (unknownIssuer.has(code)) {
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `tls: failed to verify certificate: x509: certificate is not valid for ${url.hostname}`;
  }
  return messageOf(error);
}

const connectReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  EACCES: 'connect: permission denied',
  ETIMEDOUT: 'i/o timeout',
};

const unknownIssuer: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);
