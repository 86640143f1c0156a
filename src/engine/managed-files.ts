/** /etc/hostname, /etc/hosts and /etc/resolv.conf: written for each run, bound into the container. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import type { ContainerRecord } from './container-record.ts';
import { errors } from './errors.ts';
import { hostnameOf } from './oci-config.ts';

export interface ManagedFile {
  readonly destination: string;
  readonly source: string;
}

const IPV6_HOSTS =
  '::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n';

/** Where the files are in the container and on the host. */
export function managedFiles(runDirectory: string): ManagedFile[] {
  return ['resolv.conf', 'hostname', 'hosts'].map((name) => ({
    destination: `/etc/${name}`,
    source: `${runDirectory}/${name}`,
  }));
}

/** compat: contents as dockerd writes them; a container on the host's network sees the host's own files. */
export function writeManagedFiles(record: ContainerRecord, runDirectory: string): void {
  mkdirSync(runDirectory, { recursive: true, mode: 0o711 });
  const hostname = hostnameOf(record.id, record.settings.hostname);
  const { domainname, host } = record.settings;
  const onHost = host.networkMode === 'host';
  const fullName = domainname === '' ? hostname : `${hostname}.${domainname}`;
  writeFileSync(`${runDirectory}/hostname`, `${fullName}\n`, { mode: 0o644 });
  if (onHost) {
    copyOrEmpty('/etc/hosts', `${runDirectory}/hosts`);
    copyOrEmpty('/etc/resolv.conf', `${runDirectory}/resolv.conf`);
  } else {
    writeFileSync(`${runDirectory}/hosts`, `127.0.0.1\tlocalhost\n${IPV6_HOSTS}${extraHosts(host.extraHosts)}`, {
      mode: 0o644,
    });
    writeFileSync(`${runDirectory}/resolv.conf`, '', { mode: 0o644 });
  }
}

function extraHosts(entries: readonly string[]): string {
  return entries
    .map((entry) => {
      const at = entry.search(/[:=]/);
      if (at <= 0) throw errors.invalid(`invalid IP address in add-host: "${entry}"`);
      return `${entry.slice(at + 1).replace(/^\[|\]$/g, '')}\t${entry.slice(0, at)}\n`;
    })
    .join('');
}

function copyOrEmpty(from: string, to: string): void {
  try {
    copyFileSync(from, to);
  } catch {
    writeFileSync(to, '', { mode: 0o644 });
  }
}
