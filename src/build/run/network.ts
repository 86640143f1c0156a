/** Where the program of a step is on the network, and the files that tell it: /etc/hosts, /etc/hostname, /etc/resolv.conf. */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  type ContainerIdentity,
  emptyWish,
  type HostLine,
  hostsFile,
  type Networks,
  type NetworkSetup,
  type NetworkState,
  resolvConf,
  upstreamServers,
} from '#network';
import type { Mount } from '#specs';
import { errors } from '../errors.ts';
import type { RunStep } from '../graph.ts';
import type { RunSettings } from './settings.ts';

export interface RunNetwork {
  readonly kind: 'own' | 'host';
  /** Nothing of it without interfaces. */
  readonly state?: NetworkState;
  readonly setup?: NetworkSetup;
  readonly container: ContainerIdentity;
}

/** compat: of all steps, so that what programs write down of it is the same every time. */
const HOSTNAME = 'buildkitsandbox';

/** Joins the network of a step. What it gives has to be released. Throws what `Networks.attach` throws. */
export async function joinNetwork(
  networks: Networks,
  step: Pick<RunStep, 'network' | 'hostname'>,
  settings: RunSettings,
  id: string,
): Promise<RunNetwork> {
  const container: ContainerIdentity = {
    id,
    name: `build-${id.slice(0, 12)}`,
    names: [step.hostname ?? HOSTNAME],
  };
  const mode = modeOf(networks, step.network === 'default' ? settings.networkMode : step.network);
  if (mode === 'host') return { kind: 'host', container };
  if (mode === 'none') return { kind: 'own', container };
  const attachment = await networks.attach({ container, networks: [[mode, emptyWish]], ports: [] });
  return { kind: 'own', container, ...attachment };
}

function modeOf(networks: Networks, asked: string): string {
  if (asked.startsWith('container:')) throw errors.badNetwork(asked);
  if (asked === '' || asked === 'default') return networks.defaultMode;
  if (asked === 'bridge' && networks.defaultMode === 'none') throw errors.noBridge();
  return asked;
}

/** Names that are asked for in a step. */
export async function serveNames(networks: Networks, { container, state }: RunNetwork, pid: number): Promise<void> {
  if (state?.nameServicePort === undefined) return;
  await networks.serveNames({ container, pid, state, servers: upstreamServers(NONE, read) });
}

const NONE = { dns: [], dnsSearch: [], dnsOptions: [] };

/** Writes the files into a folder of the host and gives the mounts that show them. */
export function networkFiles(
  networks: Networks,
  { kind, state, container }: RunNetwork,
  settings: RunSettings,
  folder: string,
): Mount[] {
  const hostname = container.names[0]!;
  const own = (state?.endpoints ?? [])
    .flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
    .flatMap((each): HostLine[] => (each ? [{ address: each.address, names: hostname }] : []));
  const extra = settings.extraHosts.map((entry) => hostLine(networks, entry));
  const hosts = kind === 'host' ? read('/etc/hosts') + hostsOf(extra) : hostsFile(extra, own);
  const isAlone = kind === 'own' && state === undefined;
  const servers =
    kind === 'host'
      ? read('/etc/resolv.conf')
      : isAlone
        ? ''
        : resolvConf(NONE, read, state?.nameServicePort !== undefined);
  const files = { hostname: `${hostname}\n`, hosts, 'resolv.conf': servers };
  return Object.entries(files).map(([name, text]) => {
    writeFileSync(`${folder}/${name}`, text, { mode: 0o644 });
    return { destination: `/etc/${name}`, type: 'bind', source: `${folder}/${name}`, options: ['bind', 'rprivate'] };
  });
}

const hostsOf = (lines: readonly HostLine[]): string =>
  lines.map(({ address, names }) => `${address}\t${names}\n`).join('');

function hostLine(networks: Networks, entry: string): HostLine {
  const at = entry.search(/[:=]/);
  const given = entry.slice(at + 1).replace(/^\[|\]$/g, '');
  if (at <= 0 || given === '') throw errors.badExtraHost(entry);
  const gateway = networks.list().find(({ name }) => name === 'bridge')?.pools[0]?.gateway;
  const address = given === 'host-gateway' ? gateway : given;
  if (address === undefined) throw errors.badExtraHost(entry);
  return { address, names: entry.slice(0, at) };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
