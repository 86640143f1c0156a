/** Bridges of the host: made with their gateways, found again after a restart of the daemon, removed with their network. */
import { NetlinkBatch, addAddress, addBridge, deleteLink, setLinkUp } from '#wire';
import { familyOf, parseCidr } from './cidr.ts';
import { errors } from './errors.ts';
import { type HostNetwork, netSwitches } from './host-network.ts';
import type { NetworkRecord } from './network-record.ts';

/** Makes what is missing of a network's bridge. Resolves with the interface's index. Throws `network.kernel`. */
export async function ensureBridge(host: HostNetwork, record: NetworkRecord): Promise<number> {
  const { name, mac, mtu, gatewayModes = {}, inhibitIpv4 } = record.bridge!;
  let link = await host.link(name);
  if (link && link.kind !== 'bridge') {
    throw errors.invalid(
      `the interface ${name} of network ${record.name} is no bridge: rename it, or the network's bridge`,
    );
  }
  if (!link) {
    const batch = new NetlinkBatch();
    addBridge(batch, { name, mac, mtu });
    await host.change(`cannot make the bridge ${name}`, batch);
    link = await host.link(name);
  }
  if (!link) throw errors.bridgeMissing(name, record.name);
  const batch = new NetlinkBatch();
  for (const { subnet, gateway } of record.pools) {
    const family = familyOf(subnet);
    const isNobodys = gatewayModes[family] === 'isolated' || (family === 4 && inhibitIpv4 === true);
    if (gateway === undefined || isNobodys) continue;
    addAddress(batch, { index: link.index, address: gateway, prefixLength: parseCidr(subnet).prefixLength });
  }
  setLinkUp(batch, link.index);
  setSwitches(name, record);
  await host.change(`cannot set up the bridge ${name}`, batch);
  return link.index;
}

/** One that is gone already is no error. */
export async function removeBridge(host: HostNetwork, name: string): Promise<void> {
  const link = await host.link(name);
  if (!link) return;
  const batch = new NetlinkBatch();
  deleteLink(batch, name);
  await host.change(`cannot remove the bridge ${name}`, batch);
}

function setSwitches(name: string, record: NetworkRecord): void {
  const has = (family: 4 | 6): boolean => record.pools.some(({ subnet }) => familyOf(subnet) === family);
  // 127.0.0.1 of the host may be where a port is published: its packets go to the bridge.
  netSwitches.write(`ipv4/conf/${name}/route_localnet`, '1');
  switchOn('ipv4/ip_forward');
  if (!has(6)) return;
  // kernel: forwarding makes the host ignore router advertisements unless they are asked for all the same.
  netSwitches.write(`ipv6/conf/${name}/disable_ipv6`, '0');
  netSwitches.write(`ipv6/conf/${name}/accept_ra`, '0');
  // kernel: until its own link-local address is known to be unique, two seconds, it asks for nobody's MAC address.
  netSwitches.write(`ipv6/conf/${name}/accept_dad`, '0');
  switchOn('ipv6/conf/all/forwarding');
}

function switchOn(name: string): void {
  if (netSwitches.read(name) !== '1') netSwitches.write(name, '1');
}
