/** `--add-host`: a name and an address for the container's /etc/hosts. */
import { isIP } from 'node:net';

/** `name:address` or `name=address`; the address may be in brackets, or `host-gateway`. Gives `name:address`. */
export function parseExtraHost(text: string): string {
  const at = text.search(/[=:]/);
  if (at <= 0) throw new Error(`bad format for add-host: ${JSON.stringify(text)}`);
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (address !== 'host-gateway' && isIP(address) === 0) {
    throw new Error(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${text.slice(0, at)}:${address}`;
}
