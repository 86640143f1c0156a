/** /etc/hostname, /etc/hosts and /etc/resolv.conf: written for each run, bound into the container. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type HostLine, hostsFile, type Networks, type NetworkState, resolvConf } from '#network';
import type { ContainerRecord } from './container-record.ts';
import { networkingOf, networkModeOf } from './container-settings.ts';
import { errors } from './errors.ts';
import { hostnameOf } from './oci-config.ts';

export interface ManagedFile {
  readonly destination: string;
  readonly source: string;
}

/** Where the files are in the container and on the host. */
export function managedFiles(runDirectory: string): ManagedFile[] {
  return ['resolv.conf', 'hostname', 'hosts'].map((name) => ({
    destination: `/etc/${name}`,
    source: `${runDirectory}/${name}`,
  }));
}

export interface ManagedFilesInput {
  readonly record: ContainerRecord;
  readonly runDirectory: string;
  readonly networks: Networks;
  readonly state?: NetworkState;
  /** Of the containers it is linked to. */
  readonly links: readonly HostLine[];
  /** Another container has the files. */
  readonly filesOf?: string;
}

/** compat: contents as dockerd writes them; a container on the host's network sees the host's own files. */
export function writeManagedFiles(input: ManagedFilesInput): void {
  const { record, runDirectory, networks, state, filesOf } = input;
  mkdirSync(runDirectory, { recursive: true, mode: 0o711 });
  if (filesOf !== undefined) return;
  const onHost = networkModeOf(record.settings) === 'host';
  writeFileSync(`${runDirectory}/hostname`, `${fullNameOf(record)}\n`, { mode: 0o644 });
  if (onHost) copyOrEmpty('/etc/hosts', `${runDirectory}/hosts`);
  else writeHosts(record, runDirectory, networks, input);
  const { dns, dnsSearch, dnsOptions } = networkingOf(record.settings);
  const asksForOwn = dns.length + dnsSearch.length + dnsOptions.length > 0;
  if (onHost && !asksForOwn) copyOrEmpty('/etc/resolv.conf', `${runDirectory}/resolv.conf`);
  else writeResolvConf(record, runDirectory, state);
}

/** Written in place, as /etc/hosts. */
export function writeResolvConf(record: ContainerRecord, runDirectory: string, state: NetworkState | undefined): void {
  const networking = networkingOf(record.settings);
  const isAlone = networkModeOf(record.settings) === 'none' && networking.dns.length === 0;
  const text = isAlone ? '' : resolvConf(networking, readHostFile, state?.nameServicePort !== undefined);
  writeFileSync(`${runDirectory}/resolv.conf`, text, { mode: 0o644 });
}

/** Written in place, so that a running container sees it. */
export function writeHosts(
  record: ContainerRecord,
  runDirectory: string,
  networks: Networks,
  { state, links }: { readonly state?: NetworkState; readonly links: readonly HostLine[] },
): void {
  const fullName = fullNameOf(record);
  const short = hostnameOf(record.id, record.settings.hostname);
  const names = fullName === short ? short : `${fullName} ${short}`;
  const own = (state?.endpoints ?? [])
    .flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
    .flatMap((each): HostLine[] => (each ? [{ address: each.address, names }] : []));
  const extra = [...extraHosts(record.settings.host.extraHosts, networks), ...links];
  writeFileSync(`${runDirectory}/hosts`, hostsFile(extra, own), { mode: 0o644 });
}

function fullNameOf({ id, settings }: ContainerRecord): string {
  const hostname = hostnameOf(id, settings.hostname);
  return settings.domainname === '' ? hostname : `${hostname}.${settings.domainname}`;
}

function extraHosts(entries: readonly string[], networks: Networks): HostLine[] {
  return entries.map((entry) => {
    const at = entry.search(/[:=]/);
    if (at <= 0) throw errors.invalid(`invalid IP address in add-host: "${entry}"`);
    const address = entry.slice(at + 1).replace(/^\[|\]$/g, '');
    return { address: address === 'host-gateway' ? hostGateway(networks) : address, names: entry.slice(0, at) };
  });
}

/** compat: the host's address on the default bridge. */
function hostGateway(networks: Networks): string {
  const gateway = networks.list().find(({ name }) => name === 'bridge')?.pools[0]?.gateway;
  if (gateway === undefined) throw errors.invalid('unable to derive the IP value for host-gateway');
  return gateway;
}

/** Empty when it cannot be read. */
export function readHostFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function copyOrEmpty(from: string, to: string): void {
  try {
    copyFileSync(from, to);
  } catch {
    writeFileSync(to, '', { mode: 0o644 });
  }
}
