/**
 * Which proxy a URL is reached through.
 *
 * Pure. compat: HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go's golang.org/x/net/http/httpproxy reads them.
 */
import { BlockList, isIP } from 'node:net';
import { errors } from '../errors.ts';
import type { ProxySettings } from './config.ts';

/** From the environment: the upper-case name wins over the lower-case one. */
export function proxiesFromEnvironment(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const read = (name: string): string => environment[name] || environment[name.toLowerCase()] || '';
  return { httpProxy: read('HTTP_PROXY'), httpsProxy: read('HTTPS_PROXY'), noProxy: read('NO_PROXY') };
}

/** The proxy's URL; undefined for a direct connection. Throws `registry.badUrl` for a proxy that cannot be used. */
export function proxyFor(url: URL, settings: ProxySettings): URL | undefined {
  const text = url.protocol === 'https:' ? settings.httpsProxy : settings.httpProxy;
  if (text === '' || bypasses(url, settings.noProxy)) return undefined;
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(withScheme)) throw errors.badUrl('proxy', text, 'is no URL');
  const proxy = new URL(withScheme);
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') {
    throw errors.badUrl('proxy', hidePassword(proxy), 'only http and https proxies can be used');
  }
  return proxy;
}

function hidePassword(url: URL): string {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = 'xxxxx';
  return shown.href;
}

function bypasses(url: URL, noProxy: string): boolean {
  const host = bareHost(url.hostname);
  if (host === 'localhost' || isLoopback(host)) return true;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy.split(',').some((entry) => matches(entry.trim().toLowerCase(), host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (entry.includes('/')) return inNetwork(host, entry);
  const { name, port: wantedPort } = splitPort(entry);
  if (wantedPort !== '' && wantedPort !== port) return false;
  if (isIP(name) !== 0) return sameAddress(name, host);
  // `.example.com` and `*.example.com` are the names below, `example.com` also itself.
  const suffix = name.startsWith('*.') ? name.slice(1) : name;
  if (suffix.startsWith('.')) return host.endsWith(suffix);
  return host === suffix || host.endsWith(`.${suffix}`);
}

function splitPort(entry: string): { name: string; port: string } {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(entry);
  if (bracketed) return { name: bracketed[1]!, port: bracketed[2] ?? '' };
  const plain = /^([^:]*):(\d+)$/.exec(entry);
  return plain ? { name: plain[1]!, port: plain[2]! } : { name: entry, port: '' };
}

/** Whether an address is within `a.b.c.d/n`; false for names, and for what is no CIDR. */
export function inNetwork(host: string, cidr: string): boolean {
  const [, network = '', prefix = ''] = /^([^/]+)\/(\d{1,3})$/.exec(cidr) ?? [];
  const family = isIP(network);
  if (family === 0 || isIP(host) === 0 || Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}

function sameAddress(one: string, other: string): boolean {
  if (isIP(other) === 0) return false;
  const list = new BlockList();
  list.addAddress(one, isIP(one) === 4 ? 'ipv4' : 'ipv6');
  return list.check(other, isIP(other) === 4 ? 'ipv4' : 'ipv6');
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  return inNetwork(host, '127.0.0.0/8') || inNetwork(host, '::1/128');
}

/** Without the brackets a URL puts around an IPv6 address. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}
