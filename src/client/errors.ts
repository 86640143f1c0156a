/** Everything the client can report: what the daemon refused, and why it could not be asked. */
import { because, defineErrors, type ErrorKind, errnoCode, messageOf, SkiffError } from '#base';

export const errors = defineErrors('client', {
  badHost: {
    kind: 'invalid',
    message: (text: string) => `cannot use the host '${text}': give unix:///path/of/socket or tcp://host:port`,
  },
  unreachable: {
    kind: 'unavailable',
    message: (host: string) => `Cannot connect to the Skiff daemon at ${host}. Is skiffd running?`,
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

/** A failure of the socket, in words that say what to do. */
export function connectionError(thrown: unknown, host: string): SkiffError {
  if (thrown instanceof SkiffError) return thrown;
  const code = errnoCode(thrown);
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK') {
    return because(errors.unreachable(host), thrown);
  }
  if (code === 'EACCES' || code === 'EPERM') return because(errors.forbidden(host), thrown);
  return because(errors.broken(host, messageOf(thrown)), thrown);
}
