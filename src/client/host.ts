/** Where a daemon listens: `unix:///path` or `tcp://host:port`. */
import { errors } from './errors.ts';

/** The socket of the local daemon nobody named. */
export const DEFAULT_HOST = 'unix:///run/skiff.sock';

export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

const DEFAULT_TCP_PORT = 2375;

/** Throws `client.badHost` naming the text, for what this version cannot speak as well. */
export function parseHost(text: string): Endpoint {
  const unix = /^unix:\/\/(\/.+)$/.exec(text);
  if (unix) return { kind: 'unix', path: unix[1]! };
  const tcp = /^(?:tcp|http):\/\/(\[[0-9a-fA-F:]+\]|[^:/[\]]+)(?::(\d{1,5}))?\/?$/.exec(text);
  if (tcp) {
    const port = tcp[2] === undefined ? DEFAULT_TCP_PORT : Number(tcp[2]);
    if (port > 0 && port < 65536) return { kind: 'tcp', host: tcp[1]!.replace(/^\[|\]$/g, ''), port };
  }
  throw errors.badHost(text);
}

export function formatHost(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `tcp://${host}:${endpoint.port}`;
}
