/** Everything the client can report: what the daemon refused, and why it could not be asked. */
import { because, defineErrors, type ErrorKind, errnoCode, messageOf, SkiffError } from '#base';

export const errors = defineErrors('client', {
  badHost: {
    kind: 'invalid',
    message: (text: string) =>
      `cannot use the host '${text}': give unix:///path/of/socket, tcp://host:port or ssh://user@host`,
  },
  cannotDial: {
    kind: 'invalid',
    message: (host: string) => `cannot connect to ${host}: give createClient() a function that dials it`,
  },
  unreachable: {
    kind: 'unavailable',
    message: (host: string) => `Cannot connect to the Skiff daemon at ${host}. Is skiffd running?`,
  },
  notTrusted: {
    kind: 'unauthorized',
    message: (host: string, why: string) =>
      `the daemon at ${host} is not trusted: ${why}: its certificate has to be of the authority --tlscacert names, and ` +
      'for that host',
  },
  notAccepted: {
    kind: 'unauthorized',
    message: (host: string, why: string) =>
      `the daemon at ${host} does not accept this client: ${why}: give it a certificate with --tlscert and --tlskey`,
  },
  speaksTls: {
    kind: 'invalid',
    message: (host: string) =>
      `the daemon at ${host} and this client do not agree on TLS: add --tlsverify, or leave it out`,
  },
  forbidden: {
    kind: 'forbidden',
    message: (host: string) =>
      `permission denied: cannot use the Skiff daemon's socket at ${host}: run as root (sudo), or join the socket's group`,
  },
  broken: {
    kind: 'unavailable',
    message: (host: string, why: string) => `the connection to the Skiff daemon at ${host} broke: ${why}`,
  },
  notUpgraded: {
    kind: 'internal',
    message: (path: string, status: number) => `the daemon answered ${path} with ${status} and no stream`,
  },
  badAnswer: { kind: 'internal', message: (path: string, why: string) => `cannot read the answer to ${path}: ${why}` },
});

const kinds: Readonly<Record<number, ErrorKind>> = {
  304: 'not-modified',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  499: 'cancelled',
  501: 'not-implemented',
  503: 'unavailable',
  504: 'deadline',
};

/** The daemon's refusal: its own message, its status as the kind. `code` is `client.refused`. */
export function refusal(status: number, message: string): SkiffError {
  const kind = kinds[status] ?? (status >= 500 ? 'internal' : 'invalid');
  return new SkiffError(kind, 'client.refused', message, { details: { status } });
}

/** True when the daemon was reached and said no. */
export function isRefusal(thrown: unknown): thrown is SkiffError {
  return thrown instanceof SkiffError && thrown.code === 'client.refused';
}

/** Node's names of what it found in the daemon's certificate. */
const notTrusted = /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|CERT_|ERR_TLS_CERT_|INVALID_CA)/;
/** OpenSSL's names of what the daemon said about ours. */
const notAccepted = /^ERR_SSL_(TLSV1[0-9]?_|SSLV3_|SSL\/TLS_|)ALERT_/;

const reasonOf = (code: string): string =>
  code
    .replace(/^ERR_SSL_(TLSV1[0-9]?_|SSLV3_|SSL\/TLS_)?ALERT_/, '')
    .replaceAll('_', ' ')
    .toLowerCase();

/** A failure of the socket, in words that say what to do. With `tls` a connection that is just closed is a refusal. */
export function connectionError(thrown: unknown, host: string, { tls = false } = {}): SkiffError {
  if (thrown instanceof SkiffError) return thrown;
  const code = errnoCode(thrown);
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK') {
    return because(errors.unreachable(host), thrown);
  }
  if (code !== undefined && notTrusted.test(code)) return because(errors.notTrusted(host, messageOf(thrown)), thrown);
  if (code !== undefined && notAccepted.test(code)) return because(errors.notAccepted(host, reasonOf(code)), thrown);
  if (tls && code === 'ECONNRESET') return because(errors.notAccepted(host, 'it closed the connection'), thrown);
  // What a server without TLS answers to a client with it, and the other way round.
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return because(errors.speaksTls(host), thrown);
  }
  if (code === 'EACCES' || code === 'EPERM') return because(errors.forbidden(host), thrown);
  return because(errors.broken(host, messageOf(thrown)), thrown);
}
