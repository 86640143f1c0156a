/** `-H`: where the daemon listens. */
import { errors } from './errors.ts';

export type ListenHost =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Sockets handed over by whoever started us; `name` is `*` for all of them, a number, or a FileDescriptorName. */
  | { readonly kind: 'fd'; readonly name: string };

const TCP_PORT = 2375;
const TLS_PORT = 2376;

/** compat: dockerd's forms, an address without a scheme being TCP. Throws `daemon.badFlag` naming the text. */
export function parseListenHost(
  text: string,
  options: { readonly defaultPath: string; readonly tls: boolean },
): ListenHost {
  const [, scheme = 'tcp', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(text.trim()) ?? [];
  if (scheme === 'unix') return { kind: 'unix', path: absolute(rest === '' ? options.defaultPath : rest, text) };
  if (scheme === 'fd') return { kind: 'fd', name: rest === '' ? '*' : rest };
  const port = options.tls ? TLS_PORT : TCP_PORT;
  const match = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]*)(?::(\d{1,5}))?$/.exec(rest);
  if (scheme !== 'tcp' || !match || (rest === '' && !text.startsWith('tcp://'))) throw invalid(text);
  const [, host = '', given] = match;
  if (Number(given ?? 0) > 65_535) throw invalid(text);
  return {
    kind: 'tcp',
    host: host === '' ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''),
    port: given === undefined ? port : Number(given),
  };
}

export function formatListenHost(host: ListenHost): string {
  if (host.kind === 'unix') return `unix://${host.path}`;
  if (host.kind === 'fd') return `fd://${host.name}`;
  return `tcp://${host.host.includes(':') ? `[${host.host}]` : host.host}:${host.port}`;
}

function absolute(path: string, text: string): string {
  if (!path.startsWith('/')) throw errors.badFlag(`cannot listen on '${text}': give an absolute path, unix:///path`);
  return path;
}

const invalid = (text: string): Error => errors.badFlag(`Invalid bind address format: ${text}`);
