/** Certificates of one registry, from `certs.d/HOST[:PORT]/`: `*.crt` are CAs, `*.cert` with `*.key` are ours. */
import { readdirSync, readFileSync } from 'node:fs';
import { digestOf, errnoCode } from '#base';
import { errors } from '../errors.ts';

export interface HostCertificates {
  /** PEM, trusted besides the system's. */
  readonly authorities: readonly string[];
  /** PEM, shown to the registry. */
  readonly own: readonly { readonly certificate: string; readonly key: string }[];
  /** Changes when any of them does. */
  readonly fingerprint: string;
}

/**
 * What all folders have for a host; undefined when it is nothing.
 * Throws `registry.badCertificates` for a certificate without its key, and for what cannot be read.
 */
export function readHostCertificates(folders: readonly string[], host: string): HostCertificates | undefined {
  // A host is a name or an address with a port: nothing that leads out of the folder.
  if (host.includes('/') || host === '..' || host === '.') return undefined;
  const authorities: string[] = [];
  const own: { certificate: string; key: string }[] = [];
  for (const folder of folders.map((each) => `${each}/${host}`)) {
    const names = listFolder(folder);
    for (const name of names) {
      const path = `${folder}/${name}`;
      if (name.endsWith('.crt')) authorities.push(readPem(path));
      else if (name.endsWith('.cert')) {
        const key = `${name.slice(0, -'.cert'.length)}.key`;
        if (!names.includes(key)) {
          throw errors.badCertificates(
            `missing key ${key} for client certificate ${path}. CA certificates must use the extension .crt`,
          );
        }
        own.push({ certificate: readPem(path), key: readPem(`${folder}/${key}`) });
      } else if (name.endsWith('.key') && !names.includes(`${name.slice(0, -'.key'.length)}.cert`)) {
        throw errors.badCertificates(
          `missing client certificate ${name.slice(0, -'.key'.length)}.cert for key ${path}`,
        );
      }
    }
  }
  if (authorities.length === 0 && own.length === 0) return undefined;
  const all = [...authorities, ...own.flatMap(({ certificate, key }) => [certificate, key])];
  return { authorities, own, fingerprint: digestOf(all.join('\n')) };
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoCode(error) ?? '')) return [];
    throw errors.badCertificates(`cannot read the certificates in ${folder}: ${errnoCode(error) ?? String(error)}`);
  }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw errors.badCertificates(`cannot read ${path}: ${errnoCode(error) ?? String(error)}`);
  }
}
