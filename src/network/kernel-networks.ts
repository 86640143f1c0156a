/** The kernel's side of networks: their bridges or parents, and the daemon's table of rules. Made to agree with the records. */
import { causeChain, type Log } from '#base';
import { ensureBridge, removeBridge } from './bridge.ts';
import { fullTable, withoutTable } from './firewall.ts';
import type { HostNetwork } from './host-network.ts';
import { acceptForwarding } from './iptables-forward.ts';
import type { KnownNetwork, NetworkIndex } from './network-index.ts';
import type { NetworkRecord } from './network-record.ts';
import { ensureParent, parentOf, removeParent, requireIpvlan } from './parent-interface.ts';
import type { PublishedPorts } from './published-ports.ts';

export interface KernelNetworksDeps {
  readonly host: HostNetwork;
  readonly log: Log;
  /** Name of the nftables table. */
  readonly table: string;
  readonly index: NetworkIndex;
  readonly ports: PublishedPorts;
}

export class KernelNetworks {
  readonly #deps: KernelNetworksDeps;

  constructor(deps: KernelNetworksDeps) {
    this.#deps = deps;
  }

  /** Makes what is missing of the network's interface on the host. Throws `network.kernel` and `network.noInterface`. */
  async bringUp(network: KnownNetwork): Promise<void> {
    const { record } = network;
    const { host } = this.#deps;
    if (record.bridge) network.upper = await ensureBridge(host, record);
    const parent = parentOf(record);
    if (parent === undefined) return;
    const index = await ensureParent(host, parent);
    if (record.ipvlan) await requireIpvlan(host, index);
    network.upper = index;
  }

  /** Takes away what `bringUp` has made; what another network of these uses, too, stays. */
  async takeDown(record: NetworkRecord, others: readonly NetworkRecord[] = this.#records()): Promise<void> {
    const { host } = this.#deps;
    if (record.bridge) await removeBridge(host, record.bridge.name);
    const parent = parentOf(record);
    if (parent !== undefined) await removeParent(host, parent, others);
  }

  /** As `takeDown`; what goes wrong is logged. */
  async takeDownLeft(record: NetworkRecord): Promise<void> {
    try {
      await this.takeDown(record);
    } catch (error) {
      const fields = { network: record.name, error: causeChain(error) };
      this.#deps.log.warn('what was half made of a network is left', fields);
    }
  }

  get hasBridges(): boolean {
    return this.#records().some(({ bridge }) => bridge !== undefined);
  }

  /** The rules of all networks and ports. */
  async replaceTable(): Promise<void> {
    const { host, table, ports } = this.#deps;
    const records = this.#records();
    for (const batch of fullTable(table, records, ports.targets())) await host.filter('cannot set up nftables', batch);
    await this.#acceptForwarding(records.flatMap(({ bridge }) => bridge?.name ?? []));
  }

  /** Everything; to be called when no container runs any more. */
  async takeAllDown(): Promise<void> {
    const { host, table, log } = this.#deps;
    try {
      if (this.hasBridges) {
        await host.filter('cannot remove the nftables table', withoutTable(table));
        await this.#acceptForwarding([]);
      }
      for (const record of this.#records()) await this.takeDown(record, []);
    } catch (error) {
      log.warn('networks could not be taken down', { error: causeChain(error) });
    }
  }

  #records(): NetworkRecord[] {
    return this.#deps.index.list().map(({ record }) => record);
  }

  /** Others' rules may be of a kind we do not know: then it works without them, or does not. */
  async #acceptForwarding(bridges: readonly string[]): Promise<void> {
    const { host, log, table } = this.#deps;
    try {
      await acceptForwarding(host, table, bridges);
    } catch (error) {
      log.warn("the FORWARD chain of the host's iptables could not be adapted", { error: causeChain(error) });
    }
  }
}
