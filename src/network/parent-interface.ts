/**
 * The interface of the host a macvlan or ipvlan network sits on. For `parent=eth0.10` the daemon makes the VLAN 10 of eth0, unless there
 * is an interface of that name; it takes away only what it has made, known by its alias.
 */
import { addIpvlan, addVlan, deleteLink, NetlinkBatch, setLinkUp } from '#wire';
import { errors } from './errors.ts';
import type { HostNetwork } from './host-network.ts';
import type { NetworkRecord } from './network-record.ts';

/** What the links we make are marked with. */
const ALIAS = 'made by skiff';
const MOST_VLAN = 4094;
/** kernel: there are no interfaces of the kind. */
const EOPNOTSUPP = 95;

/** Resolves with the interface's index. Throws `network.noInterface` and `network.kernel`. */
export async function ensureParent(host: HostNetwork, parent: string): Promise<number> {
  const link = await host.link(parent);
  if (link) return link.index;
  const vlan = vlanOf(parent);
  if (!vlan) throw errors.noInterface(parent);
  const lower = await host.link(vlan.lower);
  if (!lower) throw errors.noInterface(vlan.lower);
  const batch = new NetlinkBatch();
  addVlan(batch, { name: parent, lower: lower.index, id: vlan.id, alias: ALIAS });
  const errno = await host.change(`cannot make VLAN ${vlan.id} of ${vlan.lower}`, batch, '', [EOPNOTSUPP]);
  if (errno === EOPNOTSUPP) {
    throw errors.unsupported(`parent=${parent}`, "the host's kernel has no VLANs (CONFIG_VLAN_8021Q, module 8021q)");
  }
  const made = await host.link(parent);
  if (!made) throw errors.noInterface(parent);
  const up = new NetlinkBatch();
  setLinkUp(up, made.index);
  await host.change(`cannot bring ${parent} up`, up);
  return made.index;
}

/** When it is ours and none of the networks has it. */
export async function removeParent(host: HostNetwork, parent: string, others: readonly NetworkRecord[]): Promise<void> {
  if (!vlanOf(parent) || others.some((other) => parentOf(other) === parent)) return;
  const link = await host.link(parent);
  if (link?.kind !== 'vlan' || link.alias !== ALIAS) return;
  const batch = new NetlinkBatch();
  deleteLink(batch, parent);
  await host.change(`cannot remove ${parent}`, batch);
}

export const parentOf = ({ macvlan, ipvlan }: NetworkRecord): string | undefined => (macvlan ?? ipvlan)?.parent;

/** `eth0.10`: what it is of, and its number. */
export function vlanOf(name: string): { readonly lower: string; readonly id: number } | undefined {
  const match = /^(.+)\.(\d{1,4})$/.exec(name);
  const id = Number(match?.[2]);
  return match && id >= 1 && id <= MOST_VLAN ? { lower: match[1]!, id } : undefined;
}

const PROBE = 'skiffprobe';

/** Throws `network.unsupported` where the kernel has no ipvlan, which only making one tells. */
export async function requireIpvlan(host: HostNetwork, parent: number): Promise<void> {
  const batch = new NetlinkBatch();
  addIpvlan(batch, { name: PROBE, index: 0, parent, mode: 'l2', flag: 'bridge', mtu: 0, pid: process.pid });
  if ((await host.change('cannot make an ipvlan interface', batch, '', [EOPNOTSUPP])) === EOPNOTSUPP) {
    const hint = "the host's kernel has none (CONFIG_IPVLAN, module ipvlan); use macvlan, or bridge";
    throw errors.unsupported('the driver ipvlan', hint);
  }
  const removal = new NetlinkBatch();
  deleteLink(removal, PROBE);
  await host.change(`cannot remove ${PROBE}`, removal);
}
