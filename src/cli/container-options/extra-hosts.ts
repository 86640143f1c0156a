/** `--add-host`, `--dns`, `--dns-search`: names and addresses for the container's /etc/hosts and /etc/resolv.conf. */
import { isIP } from 'node:net';

/** `name:address` or `name=address`; the address may be in brackets, or `host-gateway`. Gives `name:address`. */
export function parseExtraHost(text: string): string {
  const at = text.search(/[=:]/);
  if (at <= 0) throw new Error(`bad format for add-host: ${JSON.stringify(text)}`);
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (address !== 'host-gateway' && (isIP(address) === 0 || address.includes('%'))) {
    throw new Error(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${text.slice(0, at)}:${address}`;
}

/** The address of a name server. */
export function parseServer(text: string): string {
  const address = text.trim();
  if (isIP(address) === 0) throw new Error(`IP address is not correctly formatted: ${text}`);
  return address;
}

/** A domain, without the dot that ends it; compat: `.` alone is none. */
export function parseDomain(text: string): string {
  const domain = text.trim();
  if (domain === '.') return domain;
  const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?';
  const isDomain = new RegExp(`^(?:${label}\\.)*${label}\\.?$`).test(domain) && /[a-zA-Z]/.test(domain);
  if (!isDomain || domain.length > 255) throw new Error(`${text} is not a valid domain`);
  return domain.replace(/\.$/, '');
}
