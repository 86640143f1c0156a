/**
 * Links of the default network: the names of other containers in a container's /etc/hosts.
 *
 * compat: as Docker 29, which sets no variables for them any more. On networks of the user a link is a name of the name
 * service's that only one container knows: see `EndpointWish`.
 */
import { type HostLine, type NetworkState, parseLink } from '#network';
import type { ContainerRecord } from './container-record.ts';
import { type ContainerSettings, networkingOf } from './container-settings.ts';
import { errors } from './errors.ts';
import { hasProcess } from './lifecycle.ts';
import { writeHosts } from './managed-files.ts';
import { hostnameOf } from './oci-config.ts';
import { type EngineParts, findContainer, runDirectoryOf } from './parts.ts';

const DEFAULT_NETWORK = 'bridge';
const OF_CONTAINER = 'container:';

/**
 * Links by ids; on a network of the user they become those of its endpoint. Throws `container.noLinkTarget`,
 * `container.invalid` for modes that have none.
 */
export function settleLinks(parts: EngineParts, settings: ContainerSettings): ContainerSettings {
  const networking = networkingOf(settings);
  const { links: wished = [], endpoints } = networking;
  const { networkMode } = settings.host;
  if (wished.length === 0) return settings;
  const { links: _, ...rest } = networking;
  if (networkMode === 'host') throw errors.noLinksOnHost();
  if (networkMode === 'none') throw errors.invalid('links need a network: the network mode is none');
  if (networkMode !== DEFAULT_NETWORK) {
    const { [networkMode]: first } = endpoints;
    if (first && first.links.length > 0) return { ...settings, networking: rest };
    const wish = { aliases: [], driverOptions: {}, gatewayPriority: 0, ...first, links: wished };
    return { ...settings, networking: { ...rest, endpoints: { ...endpoints, [networkMode]: wish } } };
  }
  const links = wished.map((text) => {
    const { name, alias } = parseLink(text);
    return `${linkTarget(parts, name).id}:${alias}`;
  });
  return { ...settings, networking: { ...rest, links } };
}

/** compat: a container on the network of another is reached by that one. */
function linkTarget(parts: EngineParts, reference: string): ContainerRecord {
  const found = parts.containers.find(reference);
  if (found === undefined || found === 'ambiguous') throw errors.noLinkTarget(reference);
  const { networkMode } = found.settings.host;
  if (networkMode === 'host') throw errors.noLinksOnHost();
  return networkMode.startsWith(OF_CONTAINER) ? linkTarget(parts, networkMode.slice(OF_CONTAINER.length)) : found;
}

/** Throws `container.linkNotRunning`, `container.linkElsewhere` for what a start cannot be done with. */
export function checkLinks(parts: EngineParts, record: ContainerRecord): void {
  for (const { target, alias } of linksOf(parts, record)) {
    if (!target.process || !hasProcess(target.status)) {
      throw errors.linkNotRunning(target.name, `/${record.name}/${alias}`);
    }
    if (!defaultEndpoint(target)) throw errors.linkElsewhere(target.name);
  }
}

/** Lines for the containers it is linked to; those that do not run now have none. */
export function linkedHosts(parts: EngineParts, record: ContainerRecord): HostLine[] {
  return linksOf(parts, record).flatMap(({ target, alias }) => {
    const endpoint = defaultEndpoint(target);
    const hostname = hostnameOf(target.id, target.settings.hostname);
    const names = [alias, hostname, ...(alias === target.name ? [] : [target.name])].join(' ');
    return [endpoint?.ipv4, endpoint?.ipv6].flatMap((each) => (each ? [{ address: each.address, names }] : []));
  });
}

/** It has another address since it was started again: those that are linked to it are told. */
export function refreshLinked(parts: EngineParts, id: string): void {
  for (const record of parts.containers.list()) {
    const { links = [] } = networkingOf(record.settings);
    if (record.network && links.some((link) => link.startsWith(`${id}:`))) rewriteHosts(parts, record, record.network);
  }
}

/** compat: `/TARGET:/CONTAINER/ALIAS`. */
export function linksJson(parts: EngineParts, record: ContainerRecord): string[] | null {
  const links = linksOf(parts, record).map(({ target, alias }) => `/${target.name}:/${record.name}/${alias}`);
  return links.length > 0 ? links : null;
}

/** compat: what others call it, as `/CONTAINER/ALIAS`. */
export function linkNamesOf({ containers }: Pick<EngineParts, 'containers'>, id: string): string[] {
  return containers
    .list()
    .flatMap(({ name, settings }) =>
      (networkingOf(settings).links ?? [])
        .filter((link) => link.startsWith(`${id}:`))
        .map((link) => `/${name}/${parseLink(link).alias}`),
    );
}

/**
 * Takes the link away that is called `CONTAINER/ALIAS`; a running container loses the line in /etc/hosts. Throws
 * `container.noSuch`, and `container.notALink` for a name without an alias.
 */
export async function removeLink(parts: EngineParts, name: string): Promise<void> {
  const [reference = '', alias, ...more] = name.replace(/^\//, '').split('/');
  if (alias === undefined) {
    findContainer(parts, reference);
    throw errors.notALink();
  }
  const found = parts.containers.find(reference);
  if (found === undefined || found === 'ambiguous' || more.length > 0) throw errors.noSuch(name);
  const { id } = found;
  await parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    if (!linksOf(parts, record).some((link) => link.alias === alias)) throw errors.noSuch(name);
    const networking = networkingOf(record.settings);
    const left = networking.links!.filter((link) => parseLink(link).alias !== alias);
    const changed = { ...record, settings: { ...record.settings, networking: { ...networking, links: left } } };
    parts.containers.put(changed);
    if (changed.network) rewriteHosts(parts, changed, changed.network);
  });
}

function rewriteHosts(parts: EngineParts, record: ContainerRecord, state: NetworkState): void {
  const links = linkedHosts(parts, record);
  writeHosts(record, runDirectoryOf(parts.options, record.id), parts.networks, { state, links });
}

interface FoundLink {
  readonly target: ContainerRecord;
  readonly alias: string;
}

/** compat: a link ends with the container it leads to. */
function linksOf({ containers }: EngineParts, { settings }: ContainerRecord): FoundLink[] {
  return (networkingOf(settings).links ?? []).flatMap((text) => {
    const { name, alias } = parseLink(text);
    const target = containers.get(name);
    return target ? [{ target, alias }] : [];
  });
}

const defaultEndpoint = ({ network }: ContainerRecord) =>
  network?.endpoints.find(({ networkName }) => networkName === DEFAULT_NETWORK);
