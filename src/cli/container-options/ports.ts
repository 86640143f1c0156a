/** `--publish` and `--expose`: ports in all their forms. */
import { isIP } from 'node:net';
import type { PortBindingBody } from '#specs';

export interface PublishedPort {
  /** `80/tcp`. */
  readonly port: string;
  readonly binding: PortBindingBody;
}

const MAX_PORT = 65535;

/**
 * `80`, `8080:80/udp`, `127.0.0.1::80`, `[::1]:8000-8009:80`, `8000-8002:80-82`, `target=80,published=8080`; one for each
 * port of a range. Throws Docker's words.
 */
export function parsePublish(text: string): PublishedPort[] {
  const { ip, host, container } = split(text.includes('=') ? standardForm(text) : text);
  const [ports = '', named = '', ...more] = container.split('/');
  const protocol = named || 'tcp';
  if (container === '' || ports === '') throw new Error(`no port specified: ${text}<empty>`);
  if (more.length > 0 || !['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) {
    throw new Error(`invalid proto: ${[protocol, ...more].join('/')}`);
  }
  if (ip !== '' && (isIP(ip) === 0 || ip.includes('%'))) throw new Error(`invalid IP address: ${ip}`);
  const inside = range(ports, () => `invalid containerPort: ${ports}`);
  const outside = host === '' ? undefined : range(host, () => `invalid hostPort: ${host}`);
  const isPool = outside !== undefined && inside.from === inside.to && outside.to > outside.from;
  if (outside && !isPool && outside.to - outside.from !== inside.to - inside.from) {
    throw new Error(`invalid ranges specified for container and host Ports: ${ports} and ${host}`);
  }
  return Array.from({ length: inside.to - inside.from + 1 }, (_, index) => ({
    port: `${inside.from + index}/${protocol.toLowerCase()}`,
    binding: { HostIp: ip, HostPort: isPool ? host : outside ? String(outside.from + index) : '' },
  }));
}

/** `80`, `80-90/udp`. */
export function parseExpose(text: string): string[] {
  const [ports = '', protocol = 'tcp'] = text.split('/');
  if (text.includes(':')) throw new Error(`invalid port format for --expose: ${text}`);
  const { from, to } = range(ports, () => `invalid range format for --expose: ${text}`);
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`);
}

function split(text: string): { readonly ip: string; readonly host: string; readonly container: string } {
  const bracket = /^\[([^\]]*)\]:(.*)$/.exec(text);
  const parts = (bracket ? bracket[2]! : text).split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  // An address alone publishes nothing: the port of the host, or none, has its colon.
  if (bracket && !bracket[2]!.includes(':'))
    throw new Error(`invalid IP address ${text.slice(0, -container.length - 1)}`);
  // Without brackets, an IPv6 address is what stands before the last two colons.
  return { ip: bracket ? bracket[1]! : parts.join(':'), host, container };
}

function range(text: string, refuse: () => string): { readonly from: number; readonly to: number } {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  if (!match || from > MAX_PORT || to > MAX_PORT || to < from) throw new Error(refuse());
  return { from, to };
}

function standardForm(text: string): string {
  const fields = new Map(
    text.split(',').map((field): [string, string] => {
      const [name = '', value = '', ...more] = field.split('=');
      if (value === '' || more.length > 0)
        throw new Error(`invalid publish opts format (should be name=value but got '${field}')`);
      if (!['target', 'published', 'protocol', 'mode', 'app_protocol', 'name'].includes(name)) {
        throw new Error(`invalid field key ${name}`);
      }
      return [name, value];
    }),
  );
  const published = fields.get('published');
  return `${published === undefined ? '' : `${published}:`}${fields.get('target') ?? ''}/${fields.get('protocol') ?? 'tcp'}`;
}
