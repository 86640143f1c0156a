/** Networks made and removed, containers connected and disconnected while they run or not. */
import { causeChain } from '#base';
import {
  type Endpoint,
  type EndpointWish,
  type NetworkRecord,
  type NetworkRequest,
  type NetworkState,
  emptyWish,
  type RunningContainer,
} from '#network';
import type { ContainerRecord } from '../container-record.ts';
import { networkingOf, networkModeOf } from '../container-settings.ts';
import { errors } from '../errors.ts';
import { hasProcess } from '../lifecycle.ts';
import { writeHosts, writeResolvConf } from '../managed-files.ts';
import { linkedHosts } from '../links.ts';
import { attachRequest, identityOf, networksOf, upstreamsOf, withLimits } from '../networking.ts';
import { type EngineParts, findContainer, runDirectoryOf } from '../parts.ts';

/** Throws what `Networks.create` refuses. */
export async function createNetwork(parts: EngineParts, request: NetworkRequest): Promise<NetworkRecord> {
  const record = await parts.networks.create(request);
  parts.events.emit('network', 'create', record.id, attributesOf(record));
  return record;
}

/** Throws `network.noSuch`, `network.cannotRemovePredefined`, `network.inUse`. */
export async function removeNetwork(parts: EngineParts, reference: string): Promise<void> {
  const record = await parts.networks.remove(reference);
  parts.events.emit('network', 'destroy', record.id, attributesOf(record));
}

/** Removes networks nobody is on. Resolves with their names. compat: one that cannot be removed stays. */
export async function pruneNetworks(
  parts: EngineParts,
  matches: (record: NetworkRecord) => boolean,
): Promise<string[]> {
  const removed: string[] = [];
  for (const record of parts.networks.list()) {
    if (record.predefined || record.configOnly || parts.networks.endpointsOf(record.id).size > 0 || !matches(record))
      continue;
    try {
      await removeNetwork(parts, record.id);
      removed.push(record.name);
    } catch (error) {
      parts.log.warn('a network could not be pruned', { network: record.name, error: causeChain(error) });
    }
  }
  parts.events.emit('network', 'prune', '', { reclaimed: '0' });
  return removed;
}

/** One that does not run gets it at its next start. Throws as `Networks.connect`. */
export async function connectContainer(
  parts: EngineParts,
  networkReference: string,
  containerReference: string,
  wish: EndpointWish,
): Promise<void> {
  const network = parts.networks.find(networkReference);
  const { id } = findContainer(parts, containerReference);
  await parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    if (isOnNone(record, network)) throw errors.alreadyOnNetwork(record.name, network.name);
    refuseSharedNetwork(record, network);
    if (indexOfNetwork(parts, record, network) !== undefined) throw errors.alreadyOnNetwork(record.name, network.name);
    const { networkMode } = record.settings.host;
    const { [network.name]: _, ...others } = networkingOf(record.settings).endpoints;
    const changed = withEndpoints(
      record,
      { ...others, [network.name]: wish },
      networkMode === 'none' ? network.name : networkMode,
    );
    const running = runningContainer(record);
    if (!running) return parts.containers.put(changed);
    const change = parts.networks.connect(running, network.id, withLimits(record.settings, wish));
    await settle(parts, changed, change, network, 'connect');
  });
}

/** Throws when it is not connected. compat: by force, too: what is forced are endpoints of lost containers, and none is here. */
export async function disconnectContainer(
  parts: EngineParts,
  networkReference: string,
  containerReference: string,
): Promise<void> {
  const network = parts.networks.find(networkReference);
  const { id } = findContainer(parts, containerReference);
  await parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    if (record.settings.host.networkMode === 'host' && network.name === 'host') throw errors.hostNetwork();
    // compat: who is on no network leaves it before it is connected to another; here it may stay until then.
    if (isOnNone(record, network)) return emitChange(parts, record.id, network, 'disconnect');
    const name = indexOfNetwork(parts, record, network);
    if (name === undefined) throw errors.notOnNetwork(id, network.name);
    const { [name]: _, ...others } = Object.fromEntries(networksOf(record.settings));
    const { networkMode } = record.settings.host;
    const mode = name === networkMode ? (Object.keys(others)[0] ?? 'none') : networkMode;
    const changed = withEndpoints(record, others, mode);
    const running = runningContainer(record);
    if (!running) return parts.containers.put(changed);
    await settle(parts, changed, parts.networks.disconnect(running, network.id), network, 'disconnect');
  });
}

/** `changed`: a running container with its settings as they shall be, and what it had of networks before `change`. */
async function settle(
  parts: EngineParts,
  { id, settings, network: before }: ContainerRecord,
  change: Promise<NetworkState>,
  network: NetworkRecord,
  action: 'connect' | 'disconnect',
): Promise<void> {
  let state = before;
  let failure: unknown;
  await change.then(
    (after) => (state = after),
    (error: unknown) => (failure = error),
  );
  const now = findContainer(parts, id);
  if (!hasProcess(now.status)) {
    // It has ended meanwhile, and gave back what it had before.
    if (state) parts.networks.release(id, state);
    return parts.containers.put({ ...now, settings });
  }
  if (!state || failure) throw failure;
  const record = { ...now, settings, network: state };
  parts.containers.put(record);
  const runDirectory = runDirectoryOf(parts.options, record.id);
  writeHosts(record, runDirectory, parts.networks, {
    links: linkedHosts(parts, record),
    ...(record.network ? { state: record.network } : {}),
  });
  writeResolvConf(record, runDirectory, record.network);
  emitChange(parts, record.id, network, action);
}

function emitChange(parts: EngineParts, id: string, network: NetworkRecord, action: 'connect' | 'disconnect'): void {
  parts.events.emit('network', action, network.id, { container: id, ...attributesOf(network) });
}

const isOnNone = ({ settings }: ContainerRecord, { driver, predefined }: NetworkRecord): boolean =>
  predefined && driver === 'null' && networkModeOf(settings) === 'none' && !settings.networkDisabled;

const attributesOf = ({ name, driver }: NetworkRecord): Record<string, string> => ({ name, type: driver });

/** How the container's settings name the network: by name or by id; undefined when it is not on it. */
function indexOfNetwork(parts: EngineParts, { settings }: ContainerRecord, { id }: NetworkRecord): string | undefined {
  return networksOf(settings)
    .map(([name]) => name)
    .find((name) => {
      try {
        return parts.networks.find(name).id === id;
      } catch {
        // Removed since.
        return false;
      }
    });
}

function refuseSharedNetwork({ settings }: ContainerRecord, network: NetworkRecord): void {
  if (settings.networkDisabled) throw errors.networkDisabled();
  const { networkMode } = settings.host;
  if (networkMode === 'host' || network.driver === 'host') throw errors.hostNetwork();
  if (networkMode.startsWith('container:')) throw errors.sharedNetwork();
  if (network.driver === 'null' && !network.configOnly) throw errors.noneWithOthers();
}

function withEndpoints(
  record: ContainerRecord,
  endpoints: Readonly<Record<string, EndpointWish>>,
  networkMode: string,
): ContainerRecord {
  const { settings } = record;
  return {
    ...record,
    settings: {
      ...settings,
      host: { ...settings.host, networkMode },
      networking: { ...networkingOf(settings), endpoints },
    },
  };
}

/** Limits as the settings have them now, for a container that runs. Resolves with what it has of networks then. */
export async function applyLimits(
  parts: EngineParts,
  { settings, process, network }: ContainerRecord,
): Promise<NetworkState | undefined> {
  if (!process || !network) return network;
  const wishOf = ({ networkId }: Endpoint): EndpointWish =>
    networksOf(settings).find(([name]) => parts.networks.find(name).id === networkId)?.[1] ?? emptyWish;
  const optionsOf = (endpoint: Endpoint) => withLimits(settings, wishOf(endpoint)).driverOptions;
  return parts.networks.limit({ pid: process.pid, state: network }, optionsOf);
}

function runningContainer(record: ContainerRecord): RunningContainer | undefined {
  if (!record.process || !hasProcess(record.status)) return undefined;
  return {
    container: identityOf(record),
    pid: record.process.pid,
    state: record.network ?? { endpoints: [], ports: [] },
    ports: attachRequest(record).ports,
    servers: upstreamsOf(record),
  };
}
