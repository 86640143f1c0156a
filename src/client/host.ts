/** Where a daemon listens, as text. */
import { errors } from './errors.ts';

/** The socket of the local daemon nobody named. */
export const DEFAULT_HOST = 'unix:///run/skiff.sock';

export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | SshEndpoint;

/** A daemon reached through a login on its machine. */
export interface SshEndpoint {
  readonly kind: 'ssh';
  /** Empty: what ssh's configuration says. */
  readonly user: string;
  readonly host: string;
  /** Undefined: what ssh's configuration says. */
  readonly port?: number;
  /** The daemon's socket over there; empty: what the program over there thinks. */
  readonly path: string;
}

const TCP_PORT = 2375;
const TLS_PORT = 2376;

/** Throws `client.badHost` naming the text. */
export function parseHost(text: string, { tls = false }: { readonly tls?: boolean } = {}): Endpoint {
  const unix = /^unix:\/\/(\/.+)$/.exec(text);
  if (unix) return { kind: 'unix', path: unix[1]! };
  const ssh = /^ssh:\/\/(?:([^@/:\s]+)@)?(\[[0-9a-fA-F:]+\]|[^:/@[\]\s-][^:/@[\]\s]*)(?::(\d{1,5}))?(\/.*)?$/.exec(
    text,
  );
  if (ssh) {
    const [, user = '', host = '', port, path = ''] = ssh;
    // What begins with a dash would be an option to ssh.
    if (user.startsWith('-') || (port !== undefined && !isPort(Number(port)))) throw errors.badHost(text);
    return {
      kind: 'ssh',
      user,
      host: bare(host),
      ...(port === undefined ? {} : { port: Number(port) }),
      path: path === '/' ? '' : path,
    };
  }
  const tcp = /^(?:tcp|https?):\/\/(\[[0-9a-fA-F:]+\]|[^:/[\]]+)(?::(\d{1,5}))?\/?$/.exec(text);
  if (tcp) {
    const port = tcp[2] === undefined ? (tls ? TLS_PORT : TCP_PORT) : Number(tcp[2]);
    if (isPort(port)) return { kind: 'tcp', host: bare(tcp[1]!), port };
  }
  throw errors.badHost(text);
}

export function formatHost(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  if (endpoint.kind === 'tcp') return `tcp://${host}:${endpoint.port}`;
  const { user, port, path } = endpoint;
  return `ssh://${user === '' ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}${path}`;
}

const isPort = (port: number): boolean => port > 0 && port < 65_536;
const bare = (host: string): string => host.replace(/^\[|\]$/g, '');
