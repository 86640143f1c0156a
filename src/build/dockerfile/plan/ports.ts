/** EXPOSE: `80`, `8000-8010/udp`; and what people write there that belongs to `run -p`. Pure. */
import { isIP } from 'node:net';
import { errors } from '../errors.ts';

export interface ExposedPorts {
  /** `80/tcp`, each of a range. */
  readonly ports: readonly string[];
  /** The protocol is not in small letters. */
  readonly hasUpperCase: boolean;
  /** There is an address or a port of the host. */
  readonly hasHostPart: boolean;
}

/** Throws `dockerfile.badPort`. */
export function parsePorts(text: string): ExposedPorts {
  const parts = text.split(':');
  const [spec = ''] = parts.slice(-1);
  const hostPort = parts.at(-2) ?? '';
  checkAddress(parts.slice(0, -2).join(':'));
  const slash = spec.indexOf('/');
  const range = slash < 0 ? spec : spec.slice(0, slash);
  const written = (slash < 0 ? '' : spec.slice(slash + 1)) || 'tcp';
  if (range === '') throw errors.badPort(`invalid port: ${JSON.stringify(text)}: no port specified`);
  const protocol = written.toLowerCase();
  if (!['tcp', 'udp', 'sctp'].includes(protocol))
    throw errors.badPort(`invalid port: ${JSON.stringify(text)}: invalid proto: ${written}`);
  const [first, last] = portRange(range) ?? fail(`invalid containerPort: ${range}`);
  if (hostPort !== '') {
    const [hostFirst, hostLast] = portRange(hostPort) ?? fail(`invalid hostPort: ${hostPort}`);
    if (last - first !== hostLast - hostFirst && last !== first) {
      throw errors.badPort(`invalid ranges specified for container and host Ports: ${range} and ${hostPort}`);
    }
  }
  return {
    ports: Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`),
    hasUpperCase: written !== protocol,
    hasHostPart: parts.length > 1,
  };
}

function checkAddress(address: string): void {
  const plain = address.replace(/^\[([^\]]*)\]$/, '$1');
  if (address !== '' && isIP(plain) === 0) throw errors.badPort(`invalid IP address: ${address}`);
}

function portRange(text: string): [first: number, last: number] | undefined {
  const [, low, high] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (low === undefined) return undefined;
  const first = Number(low);
  const last = Number(high ?? low);
  return last < first || last > 65_535 ? undefined : [first, last];
}

function fail(what: string): never {
  throw errors.badPort(what);
}
