/**
 * Where the registry of a reference is asked: its mirrors and itself, and whether they may be insecure.
 *
 * Pure: a host and the settings give the same list. compat: Docker Hub's API is at registry-1.docker.io; loopback is
 * insecure without being told; an insecure registry is tried by HTTPS first.
 */
import { isIP } from 'node:net';
import { errors } from '../errors.ts';
import { HUB_HOST, type RegistryConfig } from './config.ts';
import { bareHost, inNetwork, isLoopback } from './proxy.ts';

export interface Endpoint {
  /** `host` or `host:port`, where certificates are looked up by and what error messages name. */
  readonly host: string;
  /** Bases to try in this order, such as `https://host`, without a slash at the end. */
  readonly bases: readonly string[];
  /** TLS is not verified. */
  readonly insecure: boolean;
  /** Passed over when it fails; gets no credentials. */
  readonly isMirror: boolean;
  /** What a mirror is told about whose contents are meant, empty when it need not be. spec: `ns`. */
  readonly namespace: string;
}

/** Mirrors first, the registry itself last; pushes go to it alone. Throws `registry.badUrl`, `registry.badSetting`. */
export function endpointsFor(
  host: string,
  purpose: 'pull' | 'push',
  config: Pick<RegistryConfig, 'insecureRegistries' | 'mirrors'>,
): readonly Endpoint[] {
  const mirrors = purpose === 'pull' ? (config.mirrors[host] ?? []) : [];
  return [...mirrors.map((mirror) => mirrorEndpoint(mirror, host, config)), originEndpoint(host, config)];
}

function originEndpoint(host: string, config: Pick<RegistryConfig, 'insecureRegistries'>): Endpoint {
  const address = host === HUB_HOST ? 'registry-1.docker.io' : host;
  // The grammar of references knows hosts and ports that none can be, such as 1.2.3.999 and port 99999.
  if (!URL.canParse(`https://${address}`)) throw errors.badUrl('registry', host, 'is no host that can be connected to');
  const insecure = isInsecure(host, config.insecureRegistries);
  const bases = insecure ? [`https://${address}`, `http://${address}`] : [`https://${address}`];
  return { host: address, bases, insecure, isMirror: false, namespace: '' };
}

function mirrorEndpoint(
  mirror: string,
  registry: string,
  config: Pick<RegistryConfig, 'insecureRegistries'>,
): Endpoint {
  const url = new URL(checkMirror(mirror));
  return {
    host: url.host,
    bases: [`${url.origin}${url.pathname.replace(/\/+$/, '')}`],
    insecure: isInsecure(url.host, config.insecureRegistries),
    isMirror: true,
    // compat: mirrors of Docker Hub are told nothing, as dockerd does it.
    namespace: registry === HUB_HOST ? '' : registry,
  };
}

/** The mirror as it is to be kept. Throws `registry.badSetting` in dockerd's words. */
export function checkMirror(text: string): string {
  const bad = (why: string): Error => errors.badSetting('mirror', text, why);
  if (!URL.canParse(text)) throw bad(`${JSON.stringify(text)} is not a valid URI`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw bad(`unsupported scheme ${JSON.stringify(url.protocol.slice(0, -1))}: use http or https`);
  }
  if (url.username !== '' || url.password !== '') throw bad('username/password not allowed in URI');
  if (url.search !== '' || url.hash !== '') throw bad('query or fragment at end of the URI');
  return text;
}

/** An entry of the list of insecure registries. Throws `registry.badSetting`. */
export function checkInsecureRegistry(text: string): string {
  const bad = (why: string): Error => errors.badSetting('insecure registry', text, why);
  if (/^https?:\/\//i.test(text)) throw bad('give the host alone, without http:// or https://');
  if (text.includes('/')) {
    const [, network = '', prefix = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
    const bits = { 0: -1, 4: 32, 6: 128 }[isIP(network)] ?? -1;
    if (prefix === '' || Number(prefix) > bits) throw bad('neither a host nor a CIDR such as 10.0.0.0/8');
  } else if (!URL.canParse(`http://${text}`) || text === '' || text.startsWith('-')) {
    throw bad('give a host, host:port, or a CIDR such as 10.0.0.0/8');
  }
  return text;
}

/** Loopback, or in the list by name, by name and port, or by the network its address is in. */
export function isInsecure(host: string, list: readonly string[]): boolean {
  const name = bareHost(host.replace(/:\d*$/, ''));
  if (name === 'localhost' || isLoopback(name)) return true;
  return list.some((entry) =>
    entry.includes('/') ? inNetwork(name, entry) : [host, name].includes(entry.toLowerCase()),
  );
}
