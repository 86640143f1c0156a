/**
 * What is published of each container: chosen, led there by elements of the port maps, withdrawn.
 *
 * The daemon listens on each port too. So nobody else takes it; on ::1, where the kernel cannot lead on, it is served all the
 * same, and so it is where somebody has flushed the rules. With `relayAll` there is nothing but that.
 */
import { causeChain, type Log } from '#base';
import { familyOf } from './cidr.ts';
import { errors } from './errors.ts';
import { type PortTarget, portBatches, withdrawPorts } from './firewall.ts';
import type { HostNetwork } from './host-network.ts';
import type { ContainerIdentity } from './network-index.ts';
import type { BridgeSettings, Endpoint, NetworkState, PortWish, PublishedPort } from './network-record.ts';
import { PortTable } from './port-table.ts';
import { openRelay } from './relay.ts';

export interface PublishedPortsDeps {
  readonly host: HostNetwork;
  readonly log: Log;
  /** Name of the nftables table. */
  readonly table: string;
  /** The daemon listens on all of them: they obey the host's input rules, and the client's address is not seen. */
  readonly relayAll: boolean;
}

/** A container with the endpoint its ports lead to. */
export interface PortOwner {
  readonly container: ContainerIdentity;
  readonly gateway: Endpoint;
  /** Of the endpoint's network. */
  readonly bridge: BridgeSettings;
}

const ENOENT = 2;
const LOOPBACK_6 = '::1';

export class PublishedPorts {
  readonly #deps: PublishedPortsDeps;
  readonly #table = new PortTable();
  /** By container: what leads there by the kernel. */
  readonly #targets = new Map<string, readonly PortTarget[]>();
  /** By container: what the daemon listens on. */
  readonly #relays = new Map<string, readonly Disposable[]>();
  /** Ports that are on their way out, as `tcp/80`. */
  readonly #withdrawals = new Map<string, Promise<void>>();

  constructor(deps: PublishedPortsDeps) {
    this.#deps = deps;
  }

  /** Everything that is led by the kernel. */
  targets(): PortTarget[] {
    return [...this.#targets.values()].flat();
  }

  /** What to send for a container's ports. */
  messagesOf(containerId: string): Uint8Array[] {
    return portBatches(this.#deps.table, this.#targets.get(containerId) ?? []).map((batch) => batch.bytes());
  }

  /** Leads a container's ports there, where that is not sent with what starts it. Throws `network.kernel`. */
  async tellKernel(containerId: string): Promise<void> {
    for (const batch of portBatches(this.#deps.table, this.#targets.get(containerId) ?? [])) {
      await this.#deps.host.filter('cannot publish ports', batch);
    }
  }

  /** Of a container that goes on after a restart of the daemon. One that cannot be listened on any more is logged. */
  async restore(container: ContainerIdentity, gateway: Endpoint | undefined, state: NetworkState): Promise<void> {
    const onHost = state.ports.filter(({ hostPort }) => hostPort !== 0);
    for (const port of onHost) this.#table.restore(container, port);
    if (!gateway) return;
    this.#lead(container.id, gateway, state.ports);
    const held: Disposable[] = [];
    for (const port of onHost) {
      try {
        held.push(...(await holdPort(gateway, port, isTwinned(onHost, port))));
      } catch (error) {
        const fields = { container: container.id, port: port.hostPort, error: causeChain(error) };
        this.#deps.log.warn('somebody has taken a published port while the daemon was away', fields);
      }
    }
    this.#relays.set(container.id, held);
  }

  /** Notes the ports, and listens; the caller tells the kernel. Nothing is left of what failed. */
  async publish(owner: PortOwner, wishes: readonly PortWish[]): Promise<PublishedPort[]> {
    const { container, gateway, bridge } = owner;
    const published: PublishedPort[] = [];
    const relays: Disposable[] = [];
    this.#relays.set(container.id, relays);
    try {
      for (const wish of wishes) {
        if (wish.protocol === 'sctp' && this.#deps.relayAll) throw errors.noSctpRelay(wish.containerPort);
        for (let port = wish.hostPort; port !== 0 && port <= Math.max(wish.hostPort, wish.hostPortEnd); port++) {
          await this.#withdrawals.get(`${wish.protocol}/${port}`);
        }
        const { hostIps, open } = addressesOf(wish, gateway, bridge);
        const { containerPort, protocol } = wish;
        published.push(...open.map((hostIp) => ({ containerPort, protocol, hostIp, hostPort: 0 })));
        if (hostIps.length === 0) continue;
        const isTwin = hostIps.length > 1 || isTwinned(wishes, wish);
        const hold = (port: PublishedPort) => holdPort(gateway, port, isTwin);
        const { ports, held } = await this.#table.publish(container, wish, hostIps, hold);
        published.push(...ports);
        relays.push(...held);
      }
      this.#lead(container.id, gateway, published);
      return published;
    } catch (error) {
      this.#targets.delete(container.id);
      this.#stopListening(container.id);
      this.#table.release(container.id, published);
      throw error;
    }
  }

  /** Takes a container's ports away; they are free for others once this has ended. */
  withdraw(containerId: string, ports: readonly PublishedPort[]): Promise<void> {
    const withdrawal = this.#withdraw(containerId, ports);
    for (const { protocol, hostPort } of ports) this.#withdrawals.set(`${protocol}/${hostPort}`, withdrawal);
    void withdrawal.then(() => {
      for (const [key, each] of this.#withdrawals) if (each === withdrawal) this.#withdrawals.delete(key);
    });
    return withdrawal;
  }

  /** Until all that is on its way out is out; and nothing is listened on any more. */
  async end(): Promise<void> {
    for (const containerId of [...this.#relays.keys()]) this.#stopListening(containerId);
    await Promise.all(this.#withdrawals.values());
  }

  #lead(containerId: string, gateway: Endpoint, ports: readonly PublishedPort[]): void {
    const targets = ports.flatMap((port) => {
      if (this.#deps.relayAll && port.hostPort !== 0) return [];
      const address = (familyOf(port.hostIp) === 4 ? gateway.ipv4 : gateway.ipv6)?.address;
      return address === undefined || port.hostIp === LOOPBACK_6 ? [] : [{ ...port, address }];
    });
    if (targets.length > 0) this.#targets.set(containerId, targets);
  }

  #stopListening(containerId: string): void {
    for (const relay of this.#relays.get(containerId) ?? []) relay[Symbol.dispose]();
    this.#relays.delete(containerId);
  }

  async #withdraw(containerId: string, ports: readonly PublishedPort[]): Promise<void> {
    const { host, log, table } = this.#deps;
    this.#stopListening(containerId);
    const targets = this.#targets.get(containerId) ?? [];
    this.#targets.delete(containerId);
    const what = 'cannot withdraw published ports';
    try {
      if (targets.length > 0) {
        const errno = await host.filter(what, withdrawPorts(table, targets), [ENOENT]);
        // A start that failed half way has published none, or some.
        if (errno !== 0 && targets.length > 1) {
          for (const target of targets) await host.filter(what, withdrawPorts(table, [target]), [ENOENT]);
        }
      }
    } catch (error) {
      log.warn('published ports could not be withdrawn', { container: containerId, error: causeChain(error) });
    }
    this.#table.release(containerId, ports);
  }
}

interface PublishedAt {
  /** Of the host. */
  readonly hostIps: readonly string[];
  /** Standing for the families whose published ports are open on the container's own address. */
  readonly open: readonly string[];
}

/** Where a wish is published. Throws `network.invalid` where the network has no IPv6. */
function addressesOf(
  wish: PortWish,
  gateway: Endpoint,
  { hostBinding, gatewayModes = {} }: BridgeSettings,
): PublishedAt {
  const { ipv6, networkName } = gateway;
  if (familyOf(wish.hostIp || '0.0.0.0') === 6 && !ipv6 && wish.hostIp !== LOOPBACK_6) {
    throw errors.invalid(
      `cannot publish on ${wish.hostIp}: network ${networkName} has no IPv6: create one with --ipv6, or use [::1]`,
    );
  }
  const any = [hostBinding, ...(ipv6 && hostBinding === '0.0.0.0' ? ['::'] : [])];
  const wanted = wish.hostIp === '' ? any : [wish.hostIp];
  const isRouted = (ip: string): boolean => gatewayModes[familyOf(ip)] === 'routed';
  return { hostIps: wanted.filter((ip) => !isRouted(ip)), open: wanted.filter(isRouted) };
}

/**
 * Listens, and passes on. Of any address of IPv4 the loopback of IPv6 is one, too, unless that is published as well.
 */
async function holdPort(gateway: Endpoint, port: PublishedPort, isTwin: boolean): Promise<Disposable[]> {
  const { protocol, hostIp, hostPort, containerPort } = port;
  // Node knows no sockets of SCTP.
  if (protocol === 'sctp') return [];
  const open = (ip: string): Promise<Disposable>[] => {
    const target = familyOf(ip) === 6 ? (gateway.ipv6 ?? gateway.ipv4) : (gateway.ipv4 ?? gateway.ipv6);
    return target ? [openRelay({ protocol, hostIp: ip, hostPort, address: target.address, containerPort })] : [];
  };
  const held = await Promise.all(open(hostIp));
  if (hostIp !== '0.0.0.0' || isTwin) return held;
  try {
    return [...held, ...(await Promise.all(open(LOOPBACK_6)))];
  } catch (error) {
    if (isWithoutIpv6(error)) return held;
    for (const each of held) each[Symbol.dispose]();
    throw error;
  }
}

type PortAtHost = Pick<PublishedPort, 'protocol' | 'hostIp' | 'hostPort'>;

/** Published for IPv6's loopback in its own right. */
const isTwinned = (ports: readonly PortAtHost[], { protocol, hostPort }: PortAtHost): boolean =>
  ports.some(
    (port) =>
      (port.hostIp === '::' || port.hostIp === LOOPBACK_6) && port.protocol === protocol && port.hostPort === hostPort,
  );

const isWithoutIpv6 = (error: unknown): boolean =>
  ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '');
