/** The name servers of all containers that run on networks with names. */
import { randomInt } from 'node:crypto';
import type { Launcher } from '#linux';
import { ipBytes } from '#wire';
import type { KnownNetwork, NetworkIndex } from '../network-index.ts';
import type { Endpoint } from '../network-record.ts';
import { Forwarder } from './forward.ts';
import { NameServer, type NameSource, SERVICE_ADDRESS } from './name-server.ts';

/** Anywhere above the ports of well-known services: nothing else is in the network yet. */
const FIRST_PORT = 30_000;
const LAST_PORT = 60_000;

export class NameService {
  readonly #index: NetworkIndex;
  readonly #launcher: Pick<Launcher, 'datagramSocket' | 'listeningSocket'>;
  readonly #forwarder = new Forwarder();
  readonly #servers = new Map<string, NameServer>();

  constructor(index: NetworkIndex, launcher: Pick<Launcher, 'datagramSocket' | 'listeningSocket'>) {
    this.#index = index;
    this.#launcher = launcher;
  }

  choosePort(): number {
    return randomInt(FIRST_PORT, LAST_PORT);
  }

  /** Listens in the network of a container's process. Rejects with `SyscallError`; nothing is open then. */
  async serve(containerId: string, pid: number, port: number, servers: readonly string[]): Promise<void> {
    this.stop(containerId);
    const path = `/proc/${pid}/ns/net`;
    const [datagrams, server] = await Promise.allSettled([
      this.#launcher.datagramSocket(path, SERVICE_ADDRESS, port),
      this.#launcher.listeningSocket(path, SERVICE_ADDRESS, port),
    ]);
    if (datagrams.status === 'fulfilled' && server.status === 'fulfilled') {
      const source = this.#sourceOf(containerId, servers);
      this.#servers.set(containerId, new NameServer(source, this.#forwarder, datagrams.value, server.value));
      return;
    }
    if (datagrams.status === 'fulfilled') datagrams.value.close();
    if (server.status === 'fulfilled') server.value.close();
    throw datagrams.status === 'rejected' ? datagrams.reason : (server as PromiseRejectedResult).reason;
  }

  /** kernel: an open socket keeps its network, so this comes before the interfaces can go. */
  stop(containerId: string): void {
    this.#servers.get(containerId)?.[Symbol.dispose]();
    this.#servers.delete(containerId);
  }

  stopAll(): void {
    for (const containerId of this.#servers.keys()) this.stop(containerId);
  }

  #sourceOf(containerId: string, servers: readonly string[]): NameSource {
    const networks = (): ReadonlySet<KnownNetwork> => this.#index.networksOf(containerId);
    const hasWayOut = (): boolean => {
      for (const { endpoints } of networks()) {
        const endpoint = endpoints.get(containerId);
        if (endpoint?.ipv4?.gateway !== undefined || endpoint?.ipv6?.gateway !== undefined) return true;
      }
      return false;
    };
    return {
      addresses: (name, family) => {
        for (const { record, names, endpoints } of networks()) {
          if (!hasNames(record)) continue;
          const links = endpoints.get(containerId)?.links ?? {};
          const short = withoutSuffix(name, record.name);
          const found = names.get(links[name] ?? name) ?? names.get(links[short] ?? short);
          if (found) return shuffled(found).flatMap((endpoint) => addressOf(endpoint, family));
        }
        return undefined;
      },
      nameOf: (address) => {
        for (const { record, addresses } of networks()) {
          const endpoint = hasNames(record) ? addresses.get(address) : undefined;
          if (endpoint) return `${endpoint.names[0]}.${record.name}`;
        }
        return undefined;
      },
      get servers() {
        return hasWayOut() ? servers : [];
      },
    };
  }
}

/** compat: not the default network. */
export const hasNames = ({ predefined }: { readonly predefined: boolean }): boolean => !predefined;

function withoutSuffix(name: string, network: string): string {
  const suffix = `.${network.toLowerCase()}`;
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

function addressOf({ ipv4, ipv6 }: Endpoint, family: 4 | 6): Uint8Array[] {
  const address = (family === 4 ? ipv4 : ipv6)?.address;
  return address === undefined ? [] : [ipBytes(address)];
}

/** So that clients that take the first are spread over all of a name's containers. */
function shuffled(endpoints: ReadonlySet<Endpoint>): Endpoint[] {
  const list = [...endpoints];
  for (let last = list.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [list[last], list[other]] = [list[other]!, list[last]!];
  }
  return list;
}
